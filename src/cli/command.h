/* SPDX-License-Identifier: Apache-2.0 */
/* Commands as data: one table says of each what it is called, what it takes and what it does; the
 * parser, the help texts and the man page follow from it. Uses base. */
#ifndef ACESO_CLI_COMMAND_H
#define ACESO_CLI_COMMAND_H

#include "base/buffer.h"
#include "base/json.h"

#define COMMAND_FIELDS_MAX 12
#define COMMAND_VALUES_MAX 256 /* operands of a command that takes many */

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INPUT = 3 };

enum field_type {
    FIELD_TEXT,
    FIELD_NUMBER,
    FIELD_FLAG,
    FIELD_PATH, /* made absolute: the node opens it, which may run elsewhere on this machine */
    FIELD_FILE, /* a JSON file ("-": standard input) whose contents are the value */
    FIELD_MANY, /* the remaining operands; local commands only */
};

struct command_field {
    const char *name;    /* "level" for --level; with an operand its name in the help text */
    const char *member;  /* of the node's input; NULL for local commands: the name */
    enum field_type type;
    bool operand;
    bool required;
    const char *value;   /* what stands for the value in help texts; NULL for flags and operands */
    const char *help;
};

enum command_type {
    COMMAND_LOCAL,     /* runs here */
    COMMAND_OPERATION, /* written down by the node and waited for */
    COMMAND_VIEW,      /* answered by the node at once */
    COMMAND_STREAM,    /* bytes from the node into a file */
};

struct command_line;

struct command {
    const char *group; /* a role, or "" */
    const char *name;
    const char *summary;
    enum command_type type;
    const char *kind; /* the node's name for it */
    struct command_field fields[COMMAND_FIELDS_MAX];
    int (*run)(const struct command_line *line); /* COMMAND_LOCAL: returns an exit code */
};

/* A command as it was called. Texts are the process's arguments. */
struct command_line {
    const struct command *command;
    const char *data; /* --data, or ACESO_DATA, or NULL */
    const char *out;  /* --out of a stream; "-" by default */
    bool json;
    unsigned wait_s;  /* how long a node that does not answer is waited for */
    const char *values[COMMAND_FIELDS_MAX]; /* by field; a flag that is set has "1" */
    const char *many[COMMAND_VALUES_MAX];
    size_t many_count;
};

extern const struct command commands[];
extern const size_t command_count;

/* The value of field `name`, NULL where it was not given. */
const char *command_value(const struct command_line *line, const char *name);

/* Parses and runs; returns the process's exit code. */
int command_main(int argc, char **argv);

/* Prints an error as people ("aceso: place: text") or machines (--json) read it. */
void command_complain(const struct command_line *line, const struct aceso_error *error);

/* Runs an operation, view or stream of the node at line->data. */
int remote_run(const struct command_line *line);

/* The local ones, a file each. */
int command_init(const struct command_line *line);
int command_join(const struct command_line *line);
int command_accept(const struct command_line *line);
int command_serve(const struct command_line *line);
int command_demo(const struct command_line *line);
int command_credential(const struct command_line *line);
int command_verify(const struct command_line *line);
int command_abe_setup(const struct command_line *line);
int command_abe_keygen(const struct command_line *line);
int command_abe_encrypt(const struct command_line *line);
int command_abe_decrypt(const struct command_line *line);
int command_abe_inspect(const struct command_line *line);

#endif
