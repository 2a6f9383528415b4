// The Python module frontrun._fuzz: a campaign under a fuzzer, told to a Python listener.
// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer ends the process by itself, so there is one session a process and it is global.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builtin.h"
#include "campaign.h"
#include "libfuzzer.h"

// Seconds between two lines of progress.
#define PROGRESS_SECONDS 2

// How this process goes on after an input.
#define GOES_ON (-1)

static struct counters counters __attribute__((aligned(4096)));

static struct {
    struct campaign *campaign;  // NULL: no session
    PyObject *listener;         // borrowed from the arguments of run()
    time_t told;                // when the last progress was told
    int code;                   // exit code of the process, once the session is over
} session;

static PyObject *stats_as_dict(void) {
    const struct campaign_stats stats = campaign_stats(session.campaign);
    return Py_BuildValue("{s:K,s:K,s:K,s:O,s:K,s:K,s:K,s:d}", "inputs", stats.inputs, "executions",
                         stats.executions, "traces", stats.traces, "is_exact",
                         stats.is_exact ? Py_True : Py_False, "corpus", stats.corpus, "failures",
                         stats.failures, "redundant", stats.redundant, "chance_new",
                         stats.chance_new);
}

// Ends the process's session with what the listener answered (a new reference or NULL with an
// exception; consumed).
static int conclude(PyObject *answer) {
    long code = answer == NULL ? -1 : PyLong_AsLong(answer);
    Py_XDECREF(answer);
    if (PyErr_Occurred()) {
        const bool interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
        if (interrupted)
            PyErr_Clear();  // the user knows
        else
            PyErr_Print();
        code = interrupted ? 130 : 1;
    }
    session.code = (int)code;
    return session.code;
}

static int tell_failure(void) {
    const struct campaign_failure failure = campaign_failure(session.campaign);
    return conclude(PyObject_CallMethod(session.listener, "failed", "Ny#i", stats_as_dict(),
                                        (const char *)failure.schedule, (Py_ssize_t)failure.size,
                                        (int)failure.in_whole_space));
}

// The reason is the exception that is set, or else the engine's sentence.
static int tell_stop(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && traceback != NULL)
        PyException_SetTraceback(value, traceback);
    const char *sentence = campaign_errmsg(session.campaign);
    if (*sentence == '\0')
        sentence = fr_status_text(campaign_status(session.campaign));
    PyObject *answer = PyObject_CallMethod(session.listener, "stopped", "NsO", stats_as_dict(),
                                           sentence, value == NULL ? Py_None : value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return conclude(answer);
}

static int tell(const char *method) {
    return conclude(PyObject_CallMethod(session.listener, method, "N", stats_as_dict()));
}

static int tell_progress(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - session.told < PROGRESS_SECONDS)
        return GOES_ON;
    session.told = now.tv_sec;
    PyObject *answer = PyObject_CallMethod(session.listener, "progress", "N", stats_as_dict());
    if (answer == NULL)
        return tell_stop();  // an interrupt may well come while a line is written
    Py_DECREF(answer);
    return GOES_ON;
}

// GOES_ON, or the exit code that ends the process.
static int take(const uint8_t *bytes, size_t size) {
    switch (campaign_input(session.campaign, bytes, size)) {
    case CAMPAIGN_FAILED:
        return tell_failure();
    case CAMPAIGN_EXHAUSTED:
        return tell("exhausted");
    case CAMPAIGN_STOPPED:
        return tell_stop();
    case CAMPAIGN_GOES_ON:
        break;
    }
    if (PyErr_CheckSignals() < 0)
        return tell_stop();
    return tell_progress();
}

static void end_session(void) {
    campaign_free(session.campaign);
    session.campaign = NULL;
}

// ------------------------------------------------------------------------------ libFuzzer

#ifdef FRONTRUN_LIBFUZZER

static int take_from_libfuzzer(const uint8_t *bytes, size_t size) {
    libfuzzer_note_input(bytes, size);
    const int code = take(bytes, size);
    libfuzzer_note_input(NULL, 0);
    if (code == GOES_ON)
        return 0;
    // Not exit(): libFuzzer would take that for a crash of the tested program.
    fflush(NULL);
    _exit(code);
}

// libFuzzer leaves by exit() when its budget is spent; what is left to say is said here.
static void say_the_end(void) {
    if (session.campaign != NULL && Py_IsInitialized() && PyGILState_Check())
        tell("finished");
}

// New strings in an array that ends with NULL; libFuzzer may keep them as long as the process.
static char **copy_strings(PyObject *list) {
    const Py_ssize_t count = PyList_GET_SIZE(list);
    char **strings = PyMem_Calloc((size_t)count + 1, sizeof *strings);
    if (strings == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *bytes = PyUnicode_EncodeFSDefault(PyList_GET_ITEM(list, i));
        if (bytes == NULL)
            return NULL;
        strings[i] = strdup(PyBytes_AS_STRING(bytes));
        Py_DECREF(bytes);
    }
    return strings;
}

static bool run_libfuzzer(PyObject *arguments) {
    char **argv = copy_strings(arguments);
    if (argv == NULL)
        return false;
    atexit(say_the_end);
    session.code =
        libfuzzer_run((int)PyList_GET_SIZE(arguments), argv, &counters, take_from_libfuzzer);
    if (session.code == 0)
        tell("finished");
    return true;
}

#else

static bool run_libfuzzer(PyObject *arguments) {
    (void)arguments;
    PyErr_SetString(PyExc_RuntimeError, "this build has no libFuzzer");
    return false;
}

#endif

// ------------------------------------------------------------------------------ our own loop

static bool take_from_builtin(void *self, const uint8_t *bytes, size_t size) {
    (void)self;
    return take(bytes, size) == GOES_ON;
}

static bool keep(void *self, const uint8_t *bytes, size_t size) {
    (void)self;
    PyObject *answer =
        PyObject_CallMethod(session.listener, "keep", "y#", (const char *)bytes, (Py_ssize_t)size);
    if (answer == NULL) {
        tell_stop();
        return false;
    }
    Py_DECREF(answer);
    return true;
}

static bool seed_all(struct builtin *builtin, PyObject *seeds) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(seeds); i++) {
        char *bytes;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyList_GET_ITEM(seeds, i), &bytes, &size) < 0)
            return false;
        if (!builtin_seed(builtin, (const uint8_t *)bytes, (size_t)size)) {
            PyErr_NoMemory();
            return false;
        }
    }
    return true;
}

static bool run_builtin(PyObject *seeds, const struct builtin_options *options) {
    const struct builtin_host host = {.input = take_from_builtin, .keep = keep};
    struct builtin *builtin = builtin_new();
    if (builtin == NULL) {
        PyErr_NoMemory();
        return false;
    }
    bool done = seed_all(builtin, seeds);
    if (done) {
        const enum builtin_end end = builtin_run(builtin, options, &counters, &host);
        if (end == BUILTIN_SPENT)
            tell("finished");
        if (end == BUILTIN_NOMEM) {
            PyErr_NoMemory();
            done = false;
        }
    }
    builtin_free(builtin);
    return done;
}

// ------------------------------------------------------------------------------ the module

static bool open_session(PyObject *capsule, PyObject *listener, int traces, int whole_space) {
    const struct fr_subject *subject = PyCapsule_GetPointer(capsule, FR_SUBJECT_CAPSULE);
    if (subject == NULL)
        return false;
    if (session.campaign != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a campaign is running already");
        return false;
    }
    const struct campaign_config config = {.subject = subject,
                                           .counters = &counters,
                                           .traces = (enum campaign_traces)traces,
                                           .whole_space = whole_space != 0};
    const enum fr_status status = campaign_new(&config, &session.campaign);
    if (status != FR_OK) {
        PyErr_SetString(PyExc_RuntimeError, fr_status_text(status));
        return false;
    }
    memset(&counters, 0, sizeof counters);  // of the session before
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    session.told = now.tv_sec;
    session.listener = listener;
    session.code = 0;
    return true;
}

static PyObject *run_campaign(PyObject *module, PyObject *args, PyObject *keywords) {
    (void)module;
    static char *names[] = {"subject", "listener",    "traces", "whole_space", "argv", "seeds",
                            "runs",    "seconds_max", "seed",   "size_max",    NULL};
    PyObject *capsule, *listener, *argv = Py_None, *seeds = NULL;
    int traces = CAMPAIGN_TRACES_ALL, whole_space = 0;
    long long runs = -1;
    unsigned long long seed = 0;
    double seconds_max = 0;
    Py_ssize_t size_max = 512;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|$ipOO!LdKn:run", names, &capsule,
                                     &listener, &traces, &whole_space, &argv, &PyList_Type, &seeds,
                                     &runs, &seconds_max, &seed, &size_max))
        return NULL;
    if ((seeds == NULL) == (argv == Py_None) || (argv != Py_None && !PyList_Check(argv))) {
        PyErr_SetString(PyExc_TypeError, "run() needs either argv or seeds, a list");
        return NULL;
    }
    if (!open_session(capsule, listener, traces, whole_space))
        return NULL;
    bool done;
    if (seeds == NULL) {
        done = run_libfuzzer(argv);
    } else {
        const struct builtin_options options = {.runs = runs,
                                                .seconds_max = seconds_max,
                                                .seed = seed,
                                                .size_max = (size_t)(size_max > 0 ? size_max : 1)};
        done = run_builtin(seeds, &options);
    }
    end_session();
    return done ? PyLong_FromLong(session.code) : NULL;
}

static PyMethodDef methods[] = {{"run", (PyCFunction)(void (*)(void))run_campaign,
                                 METH_VARARGS | METH_KEYWORDS, "Runs a campaign; see _fuzz.pyi."},
                                {NULL, NULL, 0, NULL}};

static int add_constants(PyObject *module) {
#ifdef FRONTRUN_LIBFUZZER
    const int has_libfuzzer = 1;
#else
    const int has_libfuzzer = 0;
#endif
    if (PyModule_AddObjectRef(module, "HAS_LIBFUZZER", has_libfuzzer ? Py_True : Py_False) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "INPUT_EXECUTIONS_MAX",
                                   (long)CAMPAIGN_INPUT_EXECUTIONS_MAX);
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "frontrun._fuzz",
                                        .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__fuzz(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && add_constants(module) < 0)
        Py_CLEAR(module);
    return module;
}
