// The command line of fr-model.
// SPDX-License-Identifier: Apache-2.0
#include "model_options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: fr-model [OPTION...] FILE.prog\n"
    "       fr-model --all [TRACES.txt]\n"
    "\n"
    "Explores an abstract program (its language: tests/model/README.md) and prints what it found.\n"
    "Exit code: 0; 1 if an execution failed or deadlocked, or a row of --all is not as expected;\n"
    "2 if it could not be done.\n"
    "\n"
    "  --strategy=NAME      dpor (default), random, pct, pos, urw, surw, delay\n"
    "  --depth=N            pct: the bug depth; delay: the number of delays (default 3)\n"
    "  --order=NAME[:SEED]  dpor: dfs (default), bit-reversal, round-robin, stride,\n"
    "                       conflict-first, lowest-first (whose memory is flat)\n"
    "  --bound=K            dpor: traces within K preemptions\n"
    "  --delay-bound=K      dpor: traces within K delays\n"
    "  --seed=N             of the walks (default 1)\n"
    "  --budget=N           at most N executions now (walks: 1000 unless given)\n"
    "  --events=N           at most N events in one execution (default 10000)\n"
    "  --prefix=HEX         choice bytes: explore below this prefix\n"
    "  -D NAME=VALUE        the value of a constant of the program\n"
    "  --unstable-keys      objects have other keys in every execution, as in Python\n"
    "  --brute-force        compare with all interleavings\n"
    "  --estimate           say now and then how large the exploration may be\n"
    "  --text               show one failing execution\n"
    "  --save=FILE          save the exploration, every 10000 executions and at the end\n"
    "  --resume=FILE        take up a saved one; its plan counts, not the one given here\n"
    "  --all                every row of tests/model/traces.txt, or of the file named\n";

void model_options_help(void) {
    fputs(help, stdout);
}

__attribute__((format(printf, 1, 2))) static bool refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("fr-model: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    return false;
}

static bool read_number(const char *option, const char *text, uint64_t most, uint64_t *out) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!is_number || value > most)
        return refuse("%s needs a number from 0 to %llu, not \"%s\"", option,
                      (unsigned long long)most, text);
    *out = value;
    return true;
}

static bool read_number32(const char *option, const char *text, uint32_t most, uint32_t *out) {
    uint64_t value = 0;
    bool good = read_number(option, text, most, &value);
    *out = (uint32_t)value;
    return good;
}

static bool read_strategy(const char *text, enum fr_strategy *out) {
    for (*out = 0; *out < FR_STRATEGIES; ++*out)
        if (*out != FR_STRATEGY_REPLAY && strcmp(text, fr_strategy_name(*out)) == 0)
            return true;
    return refuse("--strategy needs dpor, random, pct, pos, urw, surw or delay, not \"%s\"", text);
}

static bool read_order(const char *text, struct fr_plan *plan) {
    size_t length = strcspn(text, ":");
    for (enum fr_order order = 0; order < FR_ORDERS; order++) {
        const char *name = fr_order_name(order);
        if (strlen(name) != length || strncmp(text, name, length) != 0)
            continue;
        plan->order = order;
        if (text[length] == '\0')
            return true;
        return read_number("the seed of --order", text + length + 1, UINT64_MAX, &plan->order_seed);
    }
    return refuse("--order needs dfs, bit-reversal, round-robin, stride, conflict-first or "
                  "lowest-first, not \"%s\"",
                  text);
}

static bool read_bound(const char *option, const char *text, enum fr_bound bound,
                       struct fr_plan *plan) {
    if (plan->bound != FR_BOUND_NONE && plan->bound != bound)
        return refuse("--bound and --delay-bound exclude each other");
    plan->bound = bound;
    return read_number32(option, text, UINT32_MAX - 1, &plan->bound_max);
}

static bool read_prefix(const char *text, struct model_options *options) {
    size_t length = strlen(text);
    if (length % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != length)
        return refuse("--prefix needs an even number of hexadecimal digits, not \"%s\"", text);
    if (length / 2 > MODEL_PREFIX_MAX)
        return refuse("--prefix takes at most %d bytes", MODEL_PREFIX_MAX);
    for (size_t i = 0; i < length / 2; i++) {
        char byte[3] = {text[2 * i], text[2 * i + 1], '\0'};
        options->prefix[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    options->plan.choices = options->prefix;
    options->plan.choice_count = length / 2;
    return true;
}

static bool read_define(const char *text, struct model_options *options) {
    if (options->define_count == PARSE_DEFINES)
        return refuse("at most %d constants can be defined", PARSE_DEFINES);
    char *name = options->define_names[options->define_count];
    int value_at = 0;
    char *end = NULL;
    if (sscanf(text, "%63[A-Za-z0-9_]=%n", name, &value_at) != 1 || value_at == 0)
        return refuse("-D needs NAME=VALUE, not \"%s\"", text);
    errno = 0;
    long long value = strtoll(text + value_at, &end, 10);
    bool is_number = end != text + value_at && *end == '\0' && errno == 0;
    if (!is_number || value > INT32_MAX || value < INT32_MIN)
        return refuse("-D needs a number behind %s=, not \"%s\"", name, text + value_at);
    options->defines[options->define_count++] = (struct parse_define){name, value};
    return true;
}

// An option with a value. *is_known tells whether it is one.
static bool read_valued(const char *name, const char *value, struct model_options *options,
                        bool *is_known) {
    struct fr_plan *plan = &options->plan;
    if (strcmp(name, "--strategy") == 0)
        return read_strategy(value, &plan->strategy);
    if (strcmp(name, "--depth") == 0)
        return read_number32(name, value, 16, &plan->depth);
    if (strcmp(name, "--order") == 0)
        return read_order(value, plan);
    if (strcmp(name, "--bound") == 0)
        return read_bound(name, value, FR_BOUND_PREEMPTIONS, plan);
    if (strcmp(name, "--delay-bound") == 0)
        return read_bound(name, value, FR_BOUND_DELAYS, plan);
    if (strcmp(name, "--seed") == 0)
        return read_number(name, value, UINT64_MAX, &plan->seed);
    if (strcmp(name, "--budget") == 0)
        return read_number(name, value, UINT64_MAX, &options->budget);
    if (strcmp(name, "--events") == 0)
        return read_number32(name, value, 100000000, &options->events_max);
    if (strcmp(name, "--prefix") == 0)
        return read_prefix(value, options);
    *is_known = strcmp(name, "--save") == 0 || strcmp(name, "--resume") == 0;
    if (*is_known && value[0] == '\0')
        return refuse("%s needs a file", name);
    if (strcmp(name, "--save") == 0)
        options->save = value;
    else if (*is_known)
        options->resume = value;
    return true;
}

static bool read_flag(const char *argument, struct model_options *options) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--brute-force", &options->brute_force},
                 {"--estimate", &options->estimate},
                 {"--all", &options->all},
                 {"--text", &options->text},
                 {"--help", &options->help}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(argument, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    if (strcmp(argument, "--unstable-keys") == 0)
        options->stable_keys = false;
    return strcmp(argument, "--unstable-keys") == 0;
}

static bool read_option(const char *argument, struct model_options *options) {
    const char *equals = strchr(argument, '=');
    if (read_flag(argument, options))
        return true;
    if (equals == NULL || equals - argument >= 32)
        return refuse("there is no option %s (--help lists them)", argument);
    char name[32] = "";
    memcpy(name, argument, (size_t)(equals - argument));
    bool is_known = true;
    if (!read_valued(name, equals + 1, options, &is_known))
        return false;
    return is_known || refuse("there is no option %s (--help lists them)", name);
}

static bool check_options(struct model_options *options) {
    bool is_dpor = options->plan.strategy == FR_STRATEGY_DPOR;
    if (options->help)
        return true;
    if (options->all)
        return options->define_count == 0 || refuse("--all takes its constants from the table");
    if (options->file == NULL)
        return refuse("a program is needed: fr-model FILE.prog (--help says more)");
    if (options->events_max == 0)
        return refuse("--events needs at least 1");
    // An option that is ignored is a wrong answer in disguise.
    if (!is_dpor && (options->plan.bound != FR_BOUND_NONE || options->estimate))
        return refuse("--bound, --delay-bound and --estimate need --strategy=dpor");
    if (!is_dpor && options->plan.order != FR_ORDER_DFS)
        return refuse("--order needs --strategy=dpor");
    if (!is_dpor && options->budget == 0)
        options->budget = 1000;
    return true;
}

bool model_options_parse(struct model_options *options, int argc, char **argv) {
    *options = (struct model_options){
        .plan = {.strategy = FR_STRATEGY_DPOR, .seed = 1, .depth = 3},
        .events_max = 10000,
        .stable_keys = true,
    };
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        bool good;
        if (strcmp(argument, "-D") == 0)
            good = i + 1 < argc ? read_define(argv[++i], options) : refuse("-D needs NAME=VALUE");
        else if (strncmp(argument, "-D", 2) == 0)
            good = read_define(argument + 2, options);
        else if (argument[0] == '-')
            good = read_option(argument, options);
        else if (options->file != NULL)
            good = refuse("one file at a time, not %s and %s", options->file, argument);
        else {
            options->file = argument;
            good = true;
        }
        if (!good)
            return false;
    }
    return check_options(options);
}
