// Explorer: the Python type that drives explorations of a Subject.
// SPDX-License-Identifier: Apache-2.0
#include "explorer_type.h"

#include <string.h>

#include "data_race.h"
#include "errors.h"
#include "trace_view.h"
#include "value_log.h"

// ------------------------------------------------------------------------------ life

static int explorer_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"subject", "threads_max", "events_max", NULL};
    struct explorer *explorer = (struct explorer *)self;
    struct fr_config config = fr_config_default();
    PyObject *subject;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$II:Explorer", names, &subject_type,
                                     &subject, &config.threads_max, &config.events_max))
        return -1;
    if (explorer->engine != NULL || ((struct subject *)subject)->harness.setup == NULL) {
        PyErr_SetString(errors_frontrun, "an Explorer is initialised once, with a Subject");
        return -1;
    }
    if (config.threads_max < 1 || config.threads_max > FR_THREADS_MAX) {
        PyErr_Format(errors_frontrun, "threads_max is %u; it must be 1 to %d", config.threads_max,
                     FR_THREADS_MAX);
        return -1;
    }
    if (config.events_max < 1) {
        PyErr_SetString(errors_frontrun, "events_max is 0; it must be at least 1");
        return -1;
    }
    enum fr_status status = fr_explorer_new(&config, &explorer->engine);
    if (status == FR_OK)
        status = fr_seen_new(&config.allocator, &explorer->seen);
    if (status != FR_OK) {
        errors_set_status(status, NULL);
        return -1;
    }
    explorer->subject = (struct subject *)Py_NewRef(subject);
    return 0;
}

static int explorer_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((struct explorer *)self)->subject);
    return 0;
}

static int explorer_clear(PyObject *self) {
    Py_CLEAR(((struct explorer *)self)->subject);
    return 0;
}

static void explorer_dealloc(PyObject *self) {
    struct explorer *explorer = (struct explorer *)self;
    PyObject_GC_UnTrack(self);
    fr_seen_free(explorer->seen);
    fr_explorer_free(explorer->engine);
    explorer_clear(self);
    Py_TYPE(self)->tp_free(self);
}

// ------------------------------------------------------------------------------ starting

static PyObject *start_with(struct explorer *explorer, const struct fr_plan *plan) {
    struct fr_config config = fr_config_default();
    struct fr_seen *seen;
    enum fr_status status = fr_seen_new(&config.allocator, &seen);
    if (status != FR_OK)
        return errors_set_status(status, NULL);
    fr_seen_free(explorer->seen);
    explorer->seen = seen;
    explorer->executed = false;
    status = fr_explorer_start(explorer->engine, plan);
    explorer->started = status == FR_OK;
    if (status != FR_OK)
        return errors_set_status(status, explorer->engine);
    Py_RETURN_NONE;
}

static PyObject *start(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"schedule", NULL};
    Py_buffer bytes = {.buf = NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|y*:start", names, &bytes))
        return NULL;
    PyObject *answer = NULL;
    if (explorer_is_usable((struct explorer *)self)) {
        struct fr_plan plan = fr_plan_decode(bytes.buf, (size_t)bytes.len);
        answer = start_with((struct explorer *)self, &plan);
    }
    PyBuffer_Release(&bytes);
    return answer;
}

// Which of `count` words this is; -1 with an exception that lists them.
static int find_word(const char *what, const char *word, const char *(*word_of)(int), int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(word_of(i), word) == 0)
            return i;
    PyObject *known = PyUnicode_FromString("");
    for (int i = 0; known != NULL && i < count; i++) {
        PyObject *longer = PyUnicode_FromFormat("%U%s%s", known, i > 0 ? ", " : "", word_of(i));
        Py_SETREF(known, longer);
    }
    if (known != NULL)
        PyErr_Format(errors_frontrun, "there is no %s %s; there are: %U", what, word, known);
    Py_XDECREF(known);
    return -1;
}

static const char *strategy_word(int number) {
    return fr_strategy_name((enum fr_strategy)number);
}

static const char *order_word(int number) {
    return fr_order_name((enum fr_order)number);
}

static const char *bound_word(int number) {
    static const char *const words[FR_BOUNDS] = {"none", "preemptions", "delays"};
    return words[number];
}

// Answers an array that the caller frees with PyMem_Free; NULL with an exception.
static struct fr_segment *read_segments(PyObject *sequence, size_t *count) {
    PyObject *fast = PySequence_Fast(sequence, "segments must be a sequence of 4-tuples");
    if (fast == NULL)
        return NULL;
    *count = (size_t)PySequence_Fast_GET_SIZE(fast);
    struct fr_segment *segments = PyMem_Calloc(*count + 1, sizeof *segments);
    if (segments == NULL)
        PyErr_NoMemory();
    for (size_t i = 0; segments != NULL && i < *count; i++) {
        PyObject *item = PySequence_Tuple(PySequence_Fast_GET_ITEM(fast, (Py_ssize_t)i));
        unsigned long long until = 0;
        struct fr_segment *segment = &segments[i];
        if (item == NULL ||
            !PyArg_ParseTuple(item, "IIKI;a segment is (thread, events, until, nth)",
                              &segment->thread, &segment->events, &until, &segment->nth)) {
            PyMem_Free(segments);
            segments = NULL;
        } else {
            segment->until = until;
        }
        Py_XDECREF(item);
    }
    Py_DECREF(fast);
    return segments;
}

// The words of a plan.
static bool read_words(const char *strategy, const char *order, const char *bound,
                       struct fr_plan *plan) {
    int found = find_word("strategy", strategy, strategy_word, FR_STRATEGIES);
    int order_found = found < 0 ? -1 : find_word("order", order, order_word, FR_ORDERS);
    int bound_found = order_found < 0 ? -1 : find_word("bound", bound, bound_word, FR_BOUNDS);
    if (bound_found < 0)
        return false;
    plan->strategy = (enum fr_strategy)found;
    plan->order = (enum fr_order)order_found;
    plan->bound = (enum fr_bound)bound_found;
    return true;
}

static PyObject *start_plan(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"strategy",   "seed",     "depth",     "order",
                            "order_seed", "bound",    "bound_max", "executions_max",
                            "choices",    "segments", NULL};
    const char *strategy = "dpor", *order = "dfs", *bound = "none";
    unsigned long long seed = 0, order_seed = 0, executions_max = 0;
    Py_buffer choices = {.buf = NULL};
    PyObject *sequence = NULL;
    struct fr_plan plan = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$sKIsKsIKy*O:start_plan", names, &strategy,
                                     &seed, &plan.depth, &order, &order_seed, &bound,
                                     &plan.bound_max, &executions_max, &choices, &sequence))
        return NULL;
    plan.seed = seed;
    plan.order_seed = order_seed;
    plan.executions_max = executions_max;
    plan.choices = choices.buf;
    plan.choice_count = (size_t)choices.len;
    struct fr_segment *segments = NULL;
    PyObject *answer = NULL;
    bool good =
        explorer_is_usable((struct explorer *)self) && read_words(strategy, order, bound, &plan);
    if (good && sequence != NULL)
        segments = read_segments(sequence, &plan.segment_count);
    if (good && (sequence == NULL || segments != NULL)) {
        plan.segments = segments;
        answer = start_with((struct explorer *)self, &plan);
    }
    PyMem_Free(segments);
    PyBuffer_Release(&choices);
    return answer;
}

static PyObject *step(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"values", NULL};
    struct explorer *explorer = (struct explorer *)self;
    int values = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:step", names, &values) ||
        !explorer_is_usable(explorer))
        return NULL;
    if (!explorer->started) {
        PyErr_SetString(errors_frontrun, "no exploration was started: call start() first");
        return NULL;
    }
    if (values && value_log_open(explorer->engine) < 0)
        return NULL;
    int went = explorer_execute(explorer);
    value_log_close();
    if (went < 0 || PyErr_CheckSignals() < 0)
        return NULL;
    if (went == 0)
        Py_RETURN_NONE;
    return PyUnicode_FromString(fr_verdict_word(explorer->verdict));
}

// ------------------------------------------------------------------------------ the last execution

// The explorer if it has an execution to look at, else NULL with an exception.
static struct explorer *with_execution(PyObject *self) {
    struct explorer *explorer = (struct explorer *)self;
    return explorer_has_executed(explorer) ? explorer : NULL;
}

// As with_execution, for what the Subject remembers of it.
static struct explorer *with_outcome(PyObject *self) {
    struct explorer *explorer = with_execution(self);
    if (explorer == NULL || explorer->subject->executed_by == explorer->engine)
        return explorer;
    PyErr_SetString(errors_frontrun, "another Explorer has executed this Subject since");
    return NULL;
}

static PyObject *trace(PyObject *self, PyObject *Py_UNUSED(args)) {
    struct explorer *explorer = with_execution(self);
    return explorer != NULL ? trace_view_events(explorer->engine) : NULL;
}

static PyObject *resources(PyObject *self, PyObject *Py_UNUSED(args)) {
    struct explorer *explorer = with_execution(self);
    return explorer != NULL ? trace_view_resources(explorer->engine) : NULL;
}

static PyObject *waits(PyObject *self, PyObject *Py_UNUSED(args)) {
    struct explorer *explorer = with_outcome(self);
    return explorer != NULL ? trace_view_waits(explorer->engine, &explorer->subject->outcome)
                            : NULL;
}

static PyObject *happens_before(PyObject *self, PyObject *args) {
    struct explorer *explorer = with_execution(self);
    unsigned int a, b;
    if (explorer == NULL || !PyArg_ParseTuple(args, "II:happens_before", &a, &b))
        return NULL;
    uint32_t length = fr_trace_length(explorer->engine);
    if (a >= length || b >= length) {
        PyErr_Format(PyExc_IndexError, "the trace has %u events", length);
        return NULL;
    }
    return PyBool_FromLong(fr_trace_happens_before(explorer->engine, a, b));
}

static int find_switch(const char *word) {
    static const char *const words[FR_SWITCHES] = {"yes", "unknown", "cold", "no"};
    for (int i = 0; i < FR_SWITCHES; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    PyErr_Format(errors_frontrun, "%s says nothing about switches; yes, unknown, cold, no do",
                 word);
    return -1;
}

// Answers the order as blocks, None if there is none.
static PyObject *reach_within(struct explorer *explorer, int allowed, unsigned int states_max) {
    fr_tid *order = PyMem_Calloc((size_t)fr_trace_length(explorer->engine) + 1, sizeof *order);
    if (order == NULL)
        return PyErr_NoMemory();
    bool reached;
    enum fr_status status =
        fr_trace_reach(explorer->engine, (enum fr_switch)allowed, states_max, order, &reached);
    PyObject *answer = NULL;
    if (status == FR_LIMIT)
        PyErr_SetString(errors_frontrun, "the trace has too many prefixes to look at");
    else if (status != FR_OK)
        errors_set_status(status, explorer->engine);
    else
        answer = reached
                     ? trace_view_order(explorer->engine, order, fr_trace_length(explorer->engine))
                     : Py_NewRef(Py_None);
    PyMem_Free(order);
    return answer;
}

static PyObject *reach(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"allowed", "states_max", NULL};
    const char *word = "yes";
    unsigned int states_max = 200000;
    struct explorer *explorer = with_execution(self);
    if (explorer == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "|sI:reach", names, &word, &states_max))
        return NULL;
    int allowed = find_switch(word);
    return allowed >= 0 ? reach_within(explorer, allowed, states_max) : NULL;
}

static PyObject *get_failure(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_outcome(self);
    return explorer != NULL ? trace_view_failure(explorer->engine, explorer->verdict,
                                                 &explorer->subject->outcome)
                            : NULL;
}

static PyObject *get_thread_names(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_outcome(self);
    if (explorer == NULL)
        return NULL;
    PyObject *names = explorer->subject->outcome.names;
    return names != NULL ? PyDict_Copy(names) : PyDict_New();
}

static PyObject *get_trace_hash(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_execution(self);
    return explorer != NULL ? PyLong_FromUnsignedLongLong(fr_trace_hash(explorer->engine)) : NULL;
}

static PyObject *get_preemptions(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_execution(self);
    return explorer != NULL ? PyLong_FromUnsignedLong(fr_trace_preemptions(explorer->engine))
                            : NULL;
}

static PyObject *get_blocks(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_execution(self);
    return explorer != NULL ? trace_view_blocks(explorer->engine) : NULL;
}

static PyObject *get_segments_done(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_execution(self);
    return explorer != NULL ? PyLong_FromSize_t(fr_run_segments_done(explorer->engine)) : NULL;
}

static PyObject *get_data_race(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_execution(self);
    struct data_race race;
    if (explorer == NULL)
        return NULL;
    if (data_race_find(explorer->engine, &race) < 0)
        return PyErr_NoMemory();
    return race.found ? Py_BuildValue("(II)", race.first, race.second) : Py_NewRef(Py_None);
}

static PyObject *encode(const struct fr_plan *plan) {
    size_t size = fr_plan_encode(plan, NULL, 0);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (bytes != NULL)
        fr_plan_encode(plan, (uint8_t *)PyBytes_AS_STRING(bytes), size);
    return bytes;
}

static PyObject *get_schedule(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = with_execution(self);
    if (explorer == NULL)
        return NULL;
    size_t count = fr_trace_choices(explorer->engine, NULL, 0);
    uint8_t *choices = PyMem_Malloc(count + 1);
    if (choices == NULL)
        return PyErr_NoMemory();
    fr_trace_choices(explorer->engine, choices, count);
    struct fr_plan plan = {
        .strategy = FR_STRATEGY_REPLAY, .choices = choices, .choice_count = count};
    PyObject *bytes = encode(&plan);
    PyMem_Free(choices);
    return bytes;
}

// ------------------------------------------------------------------------------ the exploration

static PyObject *get_ending(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = (struct explorer *)self;
    return explorer_is_usable(explorer) ? PyUnicode_FromString(explorer_ending_word(explorer))
                                        : NULL;
}

static PyObject *get_distinct(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = (struct explorer *)self;
    return explorer_is_usable(explorer)
               ? PyLong_FromUnsignedLongLong(fr_seen_distinct(explorer->seen))
               : NULL;
}

static PyObject *get_distinct_is_exact(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = (struct explorer *)self;
    return explorer_is_usable(explorer) ? PyBool_FromLong(fr_seen_is_exact(explorer->seen)) : NULL;
}

static PyObject *get_chance_new(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = (struct explorer *)self;
    return explorer_is_usable(explorer) ? PyFloat_FromDouble(fr_seen_chance_new(explorer->seen))
                                        : NULL;
}

static PyObject *get_stats(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = (struct explorer *)self;
    if (!explorer_is_usable(explorer))
        return NULL;
    struct fr_stats stats = fr_explorer_stats(explorer->engine);
    return Py_BuildValue("{sKsKsKsKsKsKsKsKsK}",                                      //
                         "executions", (unsigned long long)stats.executions,          //
                         "redundant", (unsigned long long)stats.redundant,            //
                         "failures", (unsigned long long)stats.failures,              //
                         "deadlocks", (unsigned long long)stats.deadlocks,            //
                         "cut", (unsigned long long)stats.cut,                        //
                         "beyond_bound", (unsigned long long)stats.beyond_bound,      //
                         "events", (unsigned long long)stats.events,                  //
                         "races_reversed", (unsigned long long)stats.races_reversed,  //
                         "allocations", (unsigned long long)stats.allocations);
}

static PyObject *get_estimate(PyObject *self, void *Py_UNUSED(closure)) {
    struct explorer *explorer = (struct explorer *)self;
    return explorer_is_usable(explorer) ? PyFloat_FromDouble(fr_explorer_estimate(explorer->engine))
                                        : NULL;
}

static PyGetSetDef explorer_getset[] = {
    {"ending", get_ending, NULL, "\"running\", \"exhausted\", \"bounded\" ...", NULL},
    {"stats", get_stats, NULL, "Counters of the exploration: struct fr_stats.", NULL},
    {"distinct", get_distinct, NULL, "Distinct trace hashes since start.", NULL},
    {"distinct_is_exact", get_distinct_is_exact, NULL, "Is that number no estimate?", NULL},
    {"chance_new", get_chance_new, NULL, "Chance that the next trace is a new one.", NULL},
    {"estimate", get_estimate, NULL, "About how many executions DPOR takes; 0: unknown.", NULL},
    {"data_race", get_data_race, NULL, "(a, b): unordered conflicting accesses, or None.", NULL},
    {"failure", get_failure, NULL, "Failure of the last execution, or None.", NULL},
    {"thread_names", get_thread_names, NULL,
     "Names of the threads that the program started in the last execution, by number.", NULL},
    {"trace_hash", get_trace_hash, NULL, "Hash of the last execution's partial order.", NULL},
    {"preemptions", get_preemptions, NULL, "Preemptions of the last execution.", NULL},
    {"schedule", get_schedule, NULL, "Schedule bytes that repeat the last execution.", NULL},
    {"blocks", get_blocks, NULL, "The last execution as (thread, events) blocks.", NULL},
    {"segments_done", get_segments_done, NULL, "Segments that ran to their stated end.", NULL},
    {0},
};

#define WITH_KEYWORDS(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef explorer_methods[] = {
    {"start", WITH_KEYWORDS(start), METH_VARARGS | METH_KEYWORDS,
     "A new exploration as schedule bytes say."},
    {"start_plan", WITH_KEYWORDS(start_plan), METH_VARARGS | METH_KEYWORDS,
     "A new exploration; segments: (thread, events, until, nth)."},
    {"step", WITH_KEYWORDS(step), METH_VARARGS | METH_KEYWORDS,
     "One execution: its verdict's word, or None if none is left."},
    {"run", WITH_KEYWORDS(explorer_run), METH_VARARGS | METH_KEYWORDS,
     "Executions until one fails, the exploration ends or the number is spent."},
    {"shrink", WITH_KEYWORDS(explorer_shrink), METH_VARARGS | METH_KEYWORDS,
     "Minimises the last execution, which failed: (is minimal, candidates tried)."},
    {"reach", WITH_KEYWORDS(reach), METH_VARARGS | METH_KEYWORDS,
     "The last execution's trace, leaving threads only where that is allowed, as blocks; or None."},
    {"trace", trace, METH_NOARGS, "The events of the last execution."},
    {"resources", resources, METH_NOARGS, "Names of what its events touch outside the process."},
    {"waits", waits, METH_NOARGS, "The threads that were blocked at its end."},
    {"happens_before", happens_before, METH_VARARGS, "Is event a ordered before event b?"},
    {0},
};

PyTypeObject explorer_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "frontrun._core.Explorer",
    .tp_doc = "Explores the interleavings of a Subject.",
    .tp_basicsize = sizeof(struct explorer),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = explorer_init,
    .tp_dealloc = explorer_dealloc,
    .tp_traverse = explorer_traverse,
    .tp_clear = explorer_clear,
    .tp_getset = explorer_getset,
    .tp_methods = explorer_methods,
};
