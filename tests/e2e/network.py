# SPDX-License-Identifier: Apache-2.0
"""A consortium on one machine, for tests: a chain and nodes, each with a data directory of its own,
made and driven by the program's own commands only.

Environment: ACESO (the program), ACESO_ANVIL (the chain), ACESO_E2E_KEEP (a directory to work in
and to leave as it is)."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from chain import Chain
from tap import PATIENCE, Failed, expect, until

ACESO = os.environ.get("ACESO", "build/demo/aceso")
ANVIL = os.environ.get("ACESO_ANVIL", "anvil")
SAMPLE = Path(__file__).resolve().parents[2] / "demo/sample"
COMMAND_SECONDS = 300
NODE_WAIT = 120  # how long a command waits for a node that is away
ETHER = "0xde0b6b3a7640000000"

_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def reserve():
    """A free port and the socket that keeps it ours, over restarts too: both sides set
    SO_REUSEADDR and this one never listens."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder.getsockname()[1], holder


class Process:
    """One process that is started, killed and started again; its output goes to one log."""

    def __init__(self, name, log):
        self.name, self.log = name, log
        self.process = None
        self.port, self._holder = reserve()

    def spawn(self, *arguments):
        expect(not self.alive(), f"{self.name} runs already")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self, seconds=PATIENCE):
        """Asks it to end; what does not end is a failure."""
        if not self.process:
            return 0
        self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} does not stop") from None
        self.process = None
        return code

    def close(self):
        self.kill()
        self._holder.close()


class ChainNode(Process):
    """anvil, its state on disk."""

    confirmation = "depth:0"

    def __init__(self, top):
        super().__init__("chain", top / "chain.log")
        self.state = top / "chain/state.json"
        self.state.parent.mkdir()
        self.url = f"http://127.0.0.1:{self.port}"
        self.rpc = Chain(self.url)

    def start(self):
        self.spawn(ANVIL, "--hardfork", "london", "--host", "127.0.0.1", "--port", self.port,
                   "--state", self.state, "--state-interval", "1")

    def answers(self):
        expect(self.alive(), "the chain ended")
        try:
            return self.rpc.call("eth_chainId")
        except OSError:
            return None

    def ready(self):
        until(self.answers, "the chain answers")

    def fund(self, address):
        self.rpc.call("anvil_setBalance", address, ETHER)

    def written(self):
        """The newest block in the state file, -1 while there is none."""
        try:
            number = json.loads(self.state.read_text())["block"]["number"]
        except (OSError, ValueError, KeyError):
            return -1
        return int(number, 16) if isinstance(number, str) else number

    def settle(self):
        """Waits until all that has happened is on disk."""
        height = self.rpc.block()
        until(lambda: self.written() >= height, "the chain's state is on disk")


class Node(Process):
    """One party."""

    def __init__(self, network, name, role):
        super().__init__(name, network.top / f"{name}.log")
        self.role = role
        self.data = network.top / name
        chain = [] if role == "cloud" else ["--rpc", network.chain.url]
        code, out, err = aceso("init", "--role", role, "--label", name, "--listen",
                               f"127.0.0.1:{self.port}", *chain, "--light-keystore", "--json",
                               data=self.data)
        expect(code == 0, f"init {name}: {err}")
        self.address = json.loads(out).get("address")

    def start(self):
        self.spawn(ACESO, "serve", "--data", self.data)

    def ready(self):
        code, _, err = aceso("status", data=self.data, wait=NODE_WAIT)
        expect(code == 0 and self.alive(), f"{self.name} does not serve: {err}")

    def socket(self):
        return str(self.data / "control.sock")


def aceso(*arguments, data=None, wait=NODE_WAIT):
    with Command(*arguments, data=data, wait=wait) as command:
        return command.end()


class Command:
    """A command under way."""

    def __init__(self, *arguments, data=None, wait=NODE_WAIT):
        self.line = [ACESO, *(str(a) for a in arguments)]
        if data is not None:
            self.line += ["--data", str(data), "--wait", str(wait)]
        self.process = subprocess.Popen(self.line, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=_die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def running(self):
        return self.process.poll() is None

    def end(self, seconds=COMMAND_SECONDS):
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"no end after {seconds} s: {' '.join(self.line)}") from None
        return self.process.returncode, out.decode(), err.decode()


class Network(contextlib.AbstractContextManager):
    """The chain and the nodes by their names; all of them end with it."""

    def __init__(self, name):
        keep = os.environ.get("ACESO_E2E_KEEP")
        self.kept = keep is not None
        if keep:
            self.top = Path(keep) / name
            shutil.rmtree(self.top, ignore_errors=True)
            self.top.mkdir(parents=True)
        else:
            self.top = Path(tempfile.mkdtemp(prefix=f"aceso-{name}-"))
        self.nodes = {}
        self.files = self.top / "files"
        self.files.mkdir()
        try:
            self.chain = self.make_chain()
        except BaseException:
            self.close()
            raise

    def make_chain(self):
        return ChainNode(self.top)

    def __exit__(self, kind, problem, trace):
        if kind and not issubclass(kind, SystemExit):
            self.show_logs()
        self.close()
        return False

    def close(self):
        for process in self.processes():
            process.close()
        if not self.kept:
            shutil.rmtree(self.top, ignore_errors=True)

    def processes(self):
        chain = getattr(self, "chain", None)
        return ([chain] if chain else []) + list(self.nodes.values())

    def show_logs(self, lines=12):
        for process in self.processes():
            with contextlib.suppress(OSError):
                text = process.log.read_text(encoding="utf-8", errors="replace").splitlines()
                for line in text[-lines:]:
                    print(f"# {process.name}: {line}", flush=True)

    def __getitem__(self, name):
        return self.nodes[name]

    # What owners do.

    def run(self, name, *arguments, wait=NODE_WAIT):
        """(code, stdout, stderr) of a command on the named node's data directory."""
        return aceso(*arguments, data=self.nodes[name].data, wait=wait)

    def begin(self, name, *arguments, wait=NODE_WAIT):
        return Command(*arguments, data=self.nodes[name].data, wait=wait)

    def do(self, name, *arguments):
        """Its words; it must succeed."""
        code, out, err = self.run(name, *arguments)
        if code != 0:
            raise Failed(f"{name}: {' '.join(map(str, arguments))}: {code}: {err.strip()}")
        return out.strip()

    def ask(self, name, *arguments):
        return json.loads(self.do(name, *arguments, "--json"))

    def refused(self, name, *arguments, words="", wait=NODE_WAIT):
        """What it says; it must be refused, not break, and leave no output."""
        code, out, err = self.run(name, *arguments, wait=wait)
        line = f"{name}: {' '.join(map(str, arguments))}"
        if code != 1 or not err.startswith("aceso: "):
            raise Failed(f"not refused: {line}: {code}: {out[:300]} {err.strip()}")
        if words not in err:
            raise Failed(f"refused, but not because of '{words}': {line}: {err.strip()}")
        if "--out" in arguments:
            path = Path(str(arguments[list(arguments).index("--out") + 1]))
            left = [p.name for p in path.parent.glob(path.name + "*")]
            expect(not left, f"{line} left {left}")
        return err.strip()

    def write(self, name, text):
        path = self.files / name
        path.write_text(text, encoding="utf-8")
        return path

    # The steps in which a consortium comes about.

    def node(self, name, role):
        node = self.nodes[name] = Node(self, name, role)
        if node.address and self.chain.alive():
            self.chain.fund(node.address)
        return node

    def up(self, name):
        self.nodes[name].start()
        self.nodes[name].ready()

    def begin_chain(self):
        self.chain.start()
        self.chain.ready()

    def found(self):
        """The chain, the CA, the contracts."""
        self.begin_chain()
        self.node("ca", "ca")
        self.up("ca")
        self.network = self.ask("ca", "ca", "deploy")

    def join(self, name, inviter, *admit):
        """Invitation, request, admission, acceptance: four documents that people carry."""
        group = self.nodes[inviter].role
        invitation = self.write(f"{name}.invitation", self.do(inviter, group, "invite"))
        request = self.write(f"{name}.request", self.do(name, "join", invitation))
        admission = self.write(f"{name}.admission",
                               self.do(inviter, group, "admit", request, *admit))
        self.do(name, "accept", admission)

    def party(self, name, role, *admit):
        self.node(name, role)
        self.join(name, "ca", *admit)
        self.up(name)

    def parties(self):
        self.party("hospital-a", "hospital")
        self.party("hospital-b", "hospital")
        self.party("medical-school", "institute", "--category", "medical-school")

    def attributes(self):
        """The two attributes of the default policy; hospital-a may read what it seals."""
        self.do("hospital-a", "hospital", "attribute", "registered")
        self.do("hospital-b", "hospital", "attribute", "accredited")
        self.do("hospital-b", "hospital", "issue", "accredited", "--to",
                self.nodes["hospital-a"].address)
        self.do("hospital-a", "hospital", "obtain", "--from", "hospital-b")

    def patient(self, name, hospital="hospital-a"):
        """Admits and enrols a patient; its address there."""
        self.node(name, "patient")
        before = set(self.addresses(hospital))
        self.join(name, hospital)
        self.up(name)
        self.do(name, "patient", "enrol")
        return self.meet(name, before, hospital)

    def addresses(self, hospital="hospital-a"):
        text = self.do(hospital, "hospital", "patients")
        return [word for word in text.split() if word.startswith("0x") and len(word) == 42]

    def meet(self, name, before, hospital="hospital-a"):
        new = until(lambda: set(self.addresses(hospital)) - set(before),
                    f"{hospital} lists {name}")
        expect(len(new) == 1, f"{hospital} lists more than {name}: {new}")
        self.nodes[name].address = new.pop()
        return self.nodes[name].address

    def consortium(self):
        self.found()
        self.parties()
        self.attributes()

    def accredit(self, name="medical-school"):
        self.do("hospital-b", "hospital", "issue", "accredited", "--to",
                self.nodes[name].address)

    def directories(self):
        for name in ("hospitalInformation", "practitionerInformation"):
            self.do("hospital-a", "hospital", "import", SAMPLE / f"{name}.json.gz")

    def take_in(self, name, bundle, hospital="hospital-a"):
        """Imports and signs; what the import says."""
        found = self.ask(hospital, "hospital", "import", bundle, "--patient",
                         self.nodes[name].address)
        self.do(name, "patient", "sign")
        return found

    def request(self, patient, level, institute="medical-school", *more):
        return self.ask(institute, "institute", "request", "--hospital", "hospital-a",
                        "--patient", self.nodes[patient].address, "--purpose", "HRESCH",
                        "--level", level, *more)["request"]

    def consent(self, patient, level, granted=None, institute="medical-school"):
        """A request that both approve; its id."""
        request = self.request(patient, level, institute)
        more = ["--level", granted] if granted else []
        self.patiently(patient, request)
        self.do(patient, "patient", "approve", request, *more)
        self.do("hospital-a", "hospital", "approve", request)
        self.status("medical-school", request, "approved")
        return request

    def patiently(self, name, request):
        """Waits until the named node has seen the request."""
        group = self.nodes[name].role
        until(lambda: request in self.do(name, group, "requests"), f"{name} sees the request")

    def status(self, name, request, wanted):
        """Waits until the named node sees the request in this state."""
        group = self.nodes[name].role

        def look():
            lines = self.do(name, group, "requests").splitlines()
            return any(request in line and wanted in line.split() for line in lines)
        until(look, f"{name} sees the request {wanted}")


def sample_bundle():
    """The sample's one patient."""
    found = [p for p in sorted(SAMPLE.glob("*.json.gz")) if "Information" not in p.name]
    expect(len(found) >= 1, "the sample has no patient")
    return found[0]
