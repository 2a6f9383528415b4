// The self-test: does this interpreter keep its operands where this module looks for them?
// SPDX-License-Identifier: Apache-2.0
//
// The layouts of frames and the meaning of instructions are CPython's own business and differ
// between versions. A wrong guess would watch the wrong objects in silence; so this is tried on a
// few functions before anything else may run.
#include "cpython.h"

#include "selftest.h"

#include "backend.h"
#include "filter.h"
#include "location.h"
#include "observe.h"

static const char file[] = "<frontrun self-test>";

static const char source[] =
    "class Thing:\n"
    "    pass\n"
    "thing, items, mapping, key = Thing(), [1], {}, ('k', 1)\n"
    "thing.x, thing.inner, mapping[key] = 0, Thing(), 0\n"
    "def make():\n"
    "    n = 0\n"
    "    def cell():\n"
    "        nonlocal n\n"
    "        n += 1\n"
    "    return cell\n"
    "cell = make()\n"
    "inner, variable = thing.inner, cell.__closure__[0]\n"
    "def attribute(o):\n"
    "    for _ in (1, 2):\n"
    "        try:\n"
    "            o.x += o.absent\n"
    "        except AttributeError:\n"
    "            o.inner.y = 1\n"
    "def item(d, k):\n"
    "    d[k] += 1\n"
    "    del d[k]\n"
    "def method(l):\n"
    "    l.append(len(l))\n"
    "    l.sort(key=None)\n"
    "    l.insert(*(0, 1))\n"
    "def values(o):\n"
    "    yield o.x\n"
    "    yield o.x\n"
    "def generator(o):\n"
    "    for _ in values(o):\n"
    "        pass\n"
    "def traced(name):\n"
    "    return name == '<frontrun self-test>'\n"
    "many = 'def prefixed(o):\\n' + ''.join(f' o.v{i} = 1\\n' for i in range(300))\n"
    "exec(compile(many, '<frontrun self-test>', 'exec'))\n";

enum { SEEN_MAX = 1024 };
static uint64_t seen[SEEN_MAX];  // first key of each event
static int seen_count;
static unsigned long long passed;
static bool is_watching;

static int watch_caller(void) {
    return is_watching ? OBSERVE_NOBODY : OBSERVE_CLOSED;
}

static int watch(int thread, const struct point_op *op) {
    (void)thread;
    passed++;
    if (seen_count < SEEN_MAX)
        seen[seen_count++] = op->accesses[0].key;
    return 0;
}

static int watch_refuse(const char *sentence) {
    PyErr_SetString(PyExc_RuntimeError, sentence);
    return -1;
}

static const struct observe_door watcher = {watch_caller, watch, watch_refuse};

// Runs names[function](*names[argument] ...) under observation.
static int run(PyObject *names, const char *function, const char *first, const char *second) {
    PyObject *callable = PyDict_GetItemString(names, function);
    PyObject *a = first != NULL ? PyDict_GetItemString(names, first) : NULL;
    PyObject *b = second != NULL ? PyDict_GetItemString(names, second) : NULL;
    seen_count = 0;
    if (observe_thread_begin() < 0)
        return -1;
    is_watching = true;
    PyObject *result = PyObject_CallFunctionObjArgs(callable, a, b, NULL);
    is_watching = false;
    observe_thread_end();
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static uint64_t attribute_key(PyObject *names, const char *object, const char *name) {
    PyObject *word = PyUnicode_InternFromString(name);
    uint64_t key = 0;
    if (word != NULL)
        key = location_of_attribute(PyDict_GetItemString(names, object), word);
    Py_XDECREF(word);
    return key;
}

// Are these keys among those seen, in this order?
static bool has_seen(const uint64_t *keys, int count) {
    int next = 0;
    for (int i = 0; i < seen_count && next < count; i++)
        next += seen[i] == keys[next];
    return next == count;
}

static int check_attributes(PyObject *names) {
    uint64_t x = attribute_key(names, "thing", "x");
    const uint64_t keys[] = {x, attribute_key(names, "thing", "absent"),
                             attribute_key(names, "thing", "inner"),
                             attribute_key(names, "inner", "y"), x};
    if (run(names, "attribute", "thing", NULL) < 0)
        return -1;
    return has_seen(keys, 5);
}

static int check_items(PyObject *names) {
    uint64_t key = location_of_element(PyDict_GetItemString(names, "mapping"),
                                       PyDict_GetItemString(names, "key"));
    const uint64_t keys[] = {key, key, key};
    if (run(names, "item", "mapping", "key") < 0)
        return -1;
    return has_seen(keys, 3);
}

static int check_methods(PyObject *names) {
    uint64_t key = location_of_object(PyDict_GetItemString(names, "items"));
    const uint64_t keys[] = {key, key, key, key};
    if (run(names, "method", "items", NULL) < 0)
        return -1;
    return has_seen(keys, 4);
}

static int check_cells(PyObject *names) {
    uint64_t key = location_of_cell(PyDict_GetItemString(names, "variable"));
    const uint64_t keys[] = {key, key};
    if (run(names, "cell", NULL, NULL) < 0)
        return -1;
    return has_seen(keys, 2);
}

static int check_generators(PyObject *names) {
    uint64_t x = attribute_key(names, "thing", "x");
    const uint64_t keys[] = {x, x};
    if (run(names, "generator", "thing", NULL) < 0)
        return -1;
    return has_seen(keys, 2);
}

static int check_prefixes(PyObject *names) {
    uint64_t keys[300];
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        keys[i] = attribute_key(names, "thing", name);
    }
    if (run(names, "prefixed", "thing", NULL) < 0)
        return -1;
    return has_seen(keys, 300);
}

static int check_all(PyObject *names) {
    static int (*const checks[])(PyObject *) = {check_attributes, check_items,      check_methods,
                                                check_cells,      check_generators, check_prefixes};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int good = checks[i](names);
        if (good <= 0)
            return good;
    }
    return 1;
}

static PyObject *make_names(void) {
    PyObject *names = Py_BuildValue("{sOss}", "__builtins__", PyEval_GetBuiltins(), "__name__",
                                    "frontrun._selftest");
    PyObject *code = names != NULL ? Py_CompileString(source, file, Py_file_input) : NULL;
    PyObject *none = code != NULL ? PyEval_EvalCode(code, names, names) : NULL;
    Py_XDECREF(code);
    if (none == NULL)
        Py_CLEAR(names);
    Py_XDECREF(none);
    return names;
}

// Runs body(context) under observation that ends at the door that watches, and answers as it does.
// -1 with an exception: also if there is observation already, which then stays as it is. Leaves
// filter and door as at start.
static int observe(int (*body)(PyObject *), PyObject *context, PyObject *traced) {
    PyObject *callables = PyTuple_New(0);
    int begun = callables != NULL ? observe_begin(callables) : -1;
    Py_XDECREF(callables);
    if (begun < 0)
        return -1;
    observe_set_door(&watcher);
    int good = observe_set_filter(traced) < 0 ? -1 : body(context);
    observe_set_door(NULL);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    observe_end();
    location_reset();
    bool is_restored = filter_set(NULL) == 0;
    if (is_restored || type != NULL)
        PyErr_Restore(type, value, traceback);
    return is_restored ? good : -1;
}

// A tracer of the calling thread (a debugger, a coverage tool) is set aside meanwhile.
static int observe_untraced(int (*body)(PyObject *), PyObject *context, PyObject *traced) {
#if PY_VERSION_HEX < 0x030c0000
    PyThreadState *state = PyThreadState_Get();
    Py_tracefunc function = state->c_tracefunc;
    PyObject *object = Py_XNewRef(state->c_traceobj);
    PyEval_SetTrace(NULL, NULL);
    int good = observe(body, context, traced);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyEval_SetTrace(function, object);
    PyErr_Restore(type, value, traceback);
    Py_XDECREF(object);
    return good;
#else
    return observe(body, context, traced);
#endif
}

static int call_alone(PyObject *pair) {
    if (observe_thread_begin() < 0)
        return -1;
    is_watching = true;
    PyObject *result = PyObject_CallOneArg(PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    is_watching = false;
    observe_thread_end();
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

PyObject *selftest_observe_alone(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *function, *argument, *traced;
    if (!PyArg_ParseTuple(args, "OOO:observe_alone", &function, &argument, &traced))
        return NULL;
    PyObject *pair = PyTuple_Pack(2, function, argument);
    passed = 0;
    int failed = pair == NULL || observe_untraced(call_alone, pair, traced) < 0;
    Py_XDECREF(pair);
    return failed ? NULL : PyLong_FromUnsignedLongLong(passed);
}

int selftest_run(void) {
    PyObject *names = make_names();
    if (names == NULL)
        return -1;
    int good = observe_untraced(check_all, names, PyDict_GetItemString(names, "traced"));
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_DECREF(names);
    if (good == 1) {
        Py_XDECREF(type);
        return 0;
    }
    PyErr_Format(
        PyExc_ImportError,
        "frontrun cannot observe Python %s: its instructions or frames are not laid out as "
        "in the CPython 3.10 to 3.14 this module was built for (%S)",
        PY_VERSION, value != NULL ? value : Py_None);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return -1;
}
