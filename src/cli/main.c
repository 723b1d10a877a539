/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the command in the table, parses what it takes, runs it. */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/command.h"
#include "net/http_problem.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ACESO_VERSION
#define ACESO_VERSION "unknown"
#endif

enum { OPTION_DATA = 1000, OPTION_JSON, OPTION_HELP, OPTION_OUT, OPTION_WAIT };

const char *command_value(const struct command_line *line, const char *name)
{
    for (size_t i = 0; i < COMMAND_FIELDS_MAX; i++) {
        const struct command_field *field = &line->command->fields[i];

        if (field->name && strcmp(field->name, name) == 0)
            return line->values[i];
    }
    return NULL;
}

void command_complain(const struct command_line *line, const struct aceso_error *error)
{
    char text[ACESO_ERROR_TEXT_MAX + ACESO_ERROR_PLACE_MAX];

    if (line && line->json) {
        struct buffer out = BUFFER_INIT(65536);

        if (http_problem_write(error, http_problem_status(error->code), &out) == ACESO_OK)
            (void)printf("%s\n", buffer_text(&out));
        buffer_free(&out);
    }
    (void)fprintf(stderr, "aceso: %s\n", error_print(error, text, sizeof text));
}

static void command_print_usage(FILE *to, const struct command *command)
{
    (void)fprintf(to, "usage: aceso %s%s%s", command->group, *command->group ? " " : "",
                  command->name);
    for (size_t i = 0; i < COMMAND_FIELDS_MAX && command->fields[i].name; i++) {
        const struct command_field *field = &command->fields[i];

        if (field->operand)
            (void)fprintf(to, field->type == FIELD_MANY ? " [%s...]"
                              : field->required         ? " %s"
                                                        : " [%s]",
                          field->name);
        else if (field->value)
            (void)fprintf(to, field->required ? " --%s %s" : " [--%s %s]", field->name,
                          field->value);
        else
            (void)fprintf(to, " [--%s]", field->name);
    }
    (void)fprintf(to, "\n");
}

static void command_print_help(const struct command *command)
{
    (void)printf("aceso %s%s%s - %s\n\n", command->group, *command->group ? " " : "",
                 command->name, command->summary);
    command_print_usage(stdout, command);
    (void)printf("\n");
    for (size_t i = 0; i < COMMAND_FIELDS_MAX && command->fields[i].name; i++) {
        const struct command_field *field = &command->fields[i];
        char head[64];

        (void)snprintf(head, sizeof head, "%s%s %s", field->operand ? "" : "--", field->name,
                       field->value ? field->value : "");
        (void)printf("  %-26s %s\n", head, field->help);
    }
    if (command->type == COMMAND_STREAM)
        (void)printf("  %-26s %s\n", "--out FILE", "where it goes (standard output)");
    if (strcmp(command->name, "demo") != 0 && strcmp(command->group, "abe") != 0)
        (void)printf("  %-26s %s\n", "--data DIR", "the node's data directory (ACESO_DATA)");
    if (command->type != COMMAND_LOCAL)
        (void)printf("  %-26s %s\n", "--wait SECONDS", "for a node that does not answer (10)");
    (void)printf("  %-26s %s\n", "--json", "answers for machines");
    (void)printf("\nexit: 0 done, 1 refused or failed, 2 usage\n");
}

static void command_print_overview(FILE *to)
{
    const char *group = NULL;

    (void)fprintf(to, "usage: aceso COMMAND [OPTIONS]\n"
                      "Medical records that stay encrypted, shared under the patient's rules.\n");
    for (size_t i = 0; i < command_count; i++) {
        char name[64];

        if (!group || strcmp(group, commands[i].group) != 0) {
            group = commands[i].group;
            (void)fprintf(to, "\n%s\n", *group ? group : "every node");
        }
        (void)snprintf(name, sizeof name, "%s%s%s", group, *group ? " " : "", commands[i].name);
        (void)fprintf(to, "  %-22s %s\n", name, commands[i].summary);
    }
    (void)fprintf(to, "\n'aceso COMMAND --help' says more of each.\n");
}

static const struct command *command_find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];

        if (!*command->group) {
            if (strcmp(argv[1], command->name) == 0) {
                *used = 1;
                return command;
            }
        } else if (argc > 2 && strcmp(argv[1], command->group) == 0 &&
                   strcmp(argv[2], command->name) == 0) {
            *used = 2;
            return command;
        }
    }
    return NULL;
}

/* getopt's table for one command: its options, then those that every command has. */
static void command_options(const struct command *command, struct option *options)
{
    size_t n = 0;

    for (size_t i = 0; i < COMMAND_FIELDS_MAX && command->fields[i].name; i++) {
        const struct command_field *field = &command->fields[i];

        if (!field->operand)
            options[n++] = (struct option){ field->name, field->value != NULL, NULL, (int)i };
    }
    options[n++] = (struct option){ "data", 1, NULL, OPTION_DATA };
    options[n++] = (struct option){ "json", 0, NULL, OPTION_JSON };
    options[n++] = (struct option){ "help", 0, NULL, OPTION_HELP };
    options[n++] = (struct option){ "wait", 1, NULL, OPTION_WAIT };
    if (command->type == COMMAND_STREAM)
        options[n++] = (struct option){ "out", 1, NULL, OPTION_OUT };
    options[n] = (struct option){ NULL, 0, NULL, 0 };
}

static bool command_take_operands(struct command_line *line, int argc, char **argv)
{
    int at = optind;

    for (size_t i = 0; i < COMMAND_FIELDS_MAX && line->command->fields[i].name; i++) {
        const struct command_field *field = &line->command->fields[i];

        if (!field->operand)
            continue;
        if (field->type == FIELD_MANY) {
            while (at < argc && line->many_count < COMMAND_VALUES_MAX)
                line->many[line->many_count++] = argv[at++];
        } else if (at < argc) {
            line->values[i] = argv[at++];
        }
    }
    if (at < argc) {
        (void)fprintf(stderr, "aceso: too many operands: %s\n", argv[at]);
        return false;
    }
    for (size_t i = 0; i < COMMAND_FIELDS_MAX && line->command->fields[i].name; i++) {
        const struct command_field *field = &line->command->fields[i];

        if (field->required && !line->values[i]) {
            (void)fprintf(stderr, "aceso: %s%s is missing\n", field->operand ? "" : "--",
                          field->name);
            return false;
        }
    }
    return true;
}

/* Fills `line`. 0: run it; 1: the help was printed; -1: wrong usage. */
static int command_parse(struct command_line *line, int argc, char **argv)
{
    struct option options[COMMAND_FIELDS_MAX + 6];
    uint64_t wait_s;
    int option;

    command_options(line->command, options);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPTION_DATA:
            line->data = optarg;
            break;
        case OPTION_JSON:
            line->json = true;
            break;
        case OPTION_OUT:
            line->out = optarg;
            break;
        case OPTION_WAIT:
            if (text_u64(optarg, 86400, &wait_s))
                return -1;
            line->wait_s = (unsigned)wait_s;
            break;
        case OPTION_HELP:
            command_print_help(line->command);
            return 1;
        default:
            if (option < 0 || option >= COMMAND_FIELDS_MAX)
                return -1;
            line->values[option] = optarg ? optarg : "1";
            break;
        }
    }
    return command_take_operands(line, argc, argv) ? 0 : -1;
}

int command_main(int argc, char **argv)
{
    struct command_line line = { .data = getenv("ACESO_DATA"), .out = "-", .wait_s = 10 };
    struct aceso_error error = { 0 };
    int used = 0, parsed;

    if (argc < 2) {
        command_print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        command_print_overview(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("aceso %s\n", ACESO_VERSION);
        return EXIT_DONE;
    }
    line.command = command_find(argc, argv, &used);
    if (!line.command) {
        (void)fprintf(stderr, "aceso: there is no such command; see 'aceso --help'\n");
        return EXIT_USAGE;
    }
    parsed = command_parse(&line, argc - used, argv + used);
    if (parsed != 0) {
        if (parsed < 0)
            command_print_usage(stderr, line.command);
        return parsed < 0 ? EXIT_USAGE : EXIT_DONE;
    }
    if (secret_init(&error)) {
        command_complain(&line, &error);
        return EXIT_FAILED;
    }
    log_init("aceso", LOG_LEVEL_INFO);
    return line.command->type == COMMAND_LOCAL ? line.command->run(&line) : remote_run(&line);
}

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
