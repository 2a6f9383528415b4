// Paths: which resources an operation on a path touches.
// SPDX-License-Identifier: Apache-2.0
#include "path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "carrier.h"
#include "resource.h"

enum { DIRECTORIES_MAX = 48, LINKS_MAX = 16, REMEMBERED = 32, MEMORY_DEVICE = 1 };

// What the last name of a path, or of what it links to, stands for.
enum behind { BEHIND_NOTHING, BEHIND_FILE, BEHIND_DIRECTORY, BEHIND_LINK, BEHIND_SPECIAL };

struct end {
    uint64_t entry;   // 0: the path ends in a directory by other ways than a name: "/", ".."
    uint64_t parent;  // the directory that the entry is in
    uint64_t inode;   // what is behind it
    enum behind behind;
};

struct meaning {
    uint64_t path;                          // hash of the path and of whether links are followed
    uint64_t directories[DIRECTORIES_MAX];  // the entries of the directories on the way
    uint32_t directory_count;
    uint32_t end_count;
    struct end ends[LINKS_MAX];  // all but the last are links that are followed
};

// A walk through the directories. `at` is canonical: no link is in it.
struct walk {
    const struct access_list *list;
    struct meaning *meaning;
    char at[PATH_MAX];
    struct stat status;   // of `at`
    char rest[PATH_MAX];  // still to go
    int links;
    bool follow;
};

// What each thread knows, the oldest is replaced.
static struct {
    struct meaning *meanings;
    uint32_t next;
} memories[FR_THREADS_MAX];
static int remembering;  // of them: the others have no meanings

// The entries that were made in this execution, for more than a file. Whether one is there by now
// depends on operations that may not be ordered before.
enum { MADE_MAX = 256 };
static struct {
    uint64_t entries[MADE_MAX];
    uint32_t count;
    bool is_full;
} made;

void path_begin(void) {
    made.count = 0;
    made.is_full = false;
    for (int t = 0; t < remembering; t++) {
        if (memories[t].meanings == NULL)
            continue;
        for (int i = 0; i < REMEMBERED; i++)
            memories[t].meanings[i].path = 0;
        memories[t].next = 0;
    }
}

static void note_made(uint64_t entry) {
    made.is_full |= made.count == MADE_MAX;
    if (!made.is_full)
        made.entries[made.count++] = entry;
}

static bool was_made(uint64_t entry) {
    for (uint32_t i = 0; i < made.count; i++)
        if (made.entries[i] == entry)
            return true;
    return made.is_full;
}

// The access that the event just passed was announced with, or NULL.
static const struct fr_access *announced(const struct access_list *list, uint64_t key) {
    for (uint32_t i = 0; i < list->announced_count; i++)
        if (list->announced[i].key == key)
            return &list->announced[i];
    return NULL;
}

// ------------------------------------------------------------------------------ looking up

// File systems whose names are not what they seem: /proc/self/fd/3 is a file somewhere else.
static bool is_magic(dev_t device) {
    static const char *const roots[] = {"/proc", "/sys"};
    static dev_t devices[2];
    static bool is_known;
    struct stat status;
    for (int i = 0; i < 2 && !is_known; i++)
        devices[i] = stat(roots[i], &status) == 0 ? status.st_dev : 0;
    is_known = true;
    return device != 0 && (device == devices[0] || device == devices[1]);
}

static enum behind behind_of(const struct stat *status) {
    if (S_ISREG(status->st_mode))
        return BEHIND_FILE;
    if (S_ISDIR(status->st_mode))
        return BEHIND_DIRECTORY;
    return S_ISLNK(status->st_mode) ? BEHIND_LINK : BEHIND_SPECIAL;
}

// Puts text before what is still to go.
static bool put_before(struct walk *walk, const char *text) {
    char rest[PATH_MAX];
    size_t length = strlen(text), more = strlen(walk->rest);
    if (length + 1 + more >= sizeof rest)
        return false;
    memcpy(rest, text, length);
    rest[length] = '/';
    memcpy(rest + length + 1, walk->rest, more + 1);
    memcpy(walk->rest, rest, length + more + 2);
    return true;
}

static bool go_to(struct walk *walk, const char *directory) {
    if (strlen(directory) >= sizeof walk->at)
        return false;
    strcpy(walk->at, directory);
    return lstat(walk->at, &walk->status) == 0;
}

static bool go_up(struct walk *walk) {
    char *slash = strrchr(walk->at, '/');
    *(slash == walk->at ? slash + 1 : slash) = '\0';
    return lstat(walk->at, &walk->status) == 0;
}

// `at` joined with a name; false if it is too long.
static bool join(const struct walk *walk, const char *name, char *joined) {
    size_t length = strlen(walk->at), more = strlen(name);
    bool needs_slash = walk->at[length - 1] != '/';
    if (length + more + 2 > PATH_MAX)
        return false;
    memcpy(joined, walk->at, length);
    joined[length] = '/';
    memcpy(joined + length + needs_slash, name, more + 1);
    return true;
}

// Follows a link from the directory that the walk is in.
static bool follow_link(struct walk *walk, const char *link) {
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0 || ++walk->links > LINKS_MAX)
        return false;
    target[length] = '\0';
    if (target[0] == '/' && !go_to(walk, "/"))
        return false;
    return put_before(walk, target);
}

static bool add_end(struct walk *walk, const struct end *end) {
    if (walk->meaning->end_count == LINKS_MAX)
        return false;
    walk->meaning->ends[walk->meaning->end_count++] = *end;
    return true;
}

enum step { STEP_FAILED, STEP_ON, STEP_DONE };

// A name that leads on to others is a directory or a link.
static enum step enter(struct walk *walk, const char *name, uint64_t entry) {
    char joined[PATH_MAX];
    struct stat status;
    struct meaning *meaning = walk->meaning;
    if (meaning->directory_count == DIRECTORIES_MAX || !join(walk, name, joined))
        return STEP_FAILED;
    meaning->directories[meaning->directory_count++] = entry;
    if (was_made(entry) && announced(walk->list, entry) == NULL)
        return STEP_DONE;  // as if it were not there
    if (lstat(joined, &status) < 0)
        return errno == ENOENT ? STEP_DONE : STEP_FAILED;  // nothing further is reached
    if (S_ISLNK(status.st_mode))
        return !is_magic(status.st_dev) && follow_link(walk, joined) ? STEP_ON : STEP_FAILED;
    if (!S_ISDIR(status.st_mode) || is_magic(status.st_dev))
        return STEP_FAILED;
    strcpy(walk->at, joined);
    walk->status = status;
    return STEP_ON;
}

// The last name.
static enum step arrive(struct walk *walk, const char *name, uint64_t entry) {
    char joined[PATH_MAX];
    struct stat status;
    struct end end = {.entry = entry,
                      .parent = resource_of_inode(walk->status.st_dev, walk->status.st_ino)};
    if (!join(walk, name, joined))
        return STEP_FAILED;
    if (lstat(joined, &status) == 0) {
        end.behind = behind_of(&status);
        end.inode = resource_of_inode(status.st_dev, status.st_ino);
        // Memory devices (/dev/null, /dev/urandom) are nothing that two threads could share.
        if (S_ISCHR(status.st_mode) && major(status.st_rdev) == MEMORY_DEVICE)
            end.behind = BEHIND_NOTHING;
        resource_name(end.inode, S_ISDIR(status.st_mode) ? "directory" : "file", name);
    } else if (errno != ENOENT) {
        return STEP_FAILED;
    }
    resource_name(entry, "file", name);
    resource_name(end.parent, "directory", strrchr(walk->at, '/') + 1);
    if (!add_end(walk, &end))
        return STEP_FAILED;
    if (end.behind != BEHIND_LINK || !walk->follow)
        return STEP_DONE;
    return follow_link(walk, joined) ? STEP_ON : STEP_FAILED;
}

// Takes one name off `rest`.
static enum step step(struct walk *walk) {
    char *name = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(name, "/");
    const char *after = name + length + strspn(name + length, "/");
    char word[NAME_MAX + 1];
    if (length == 0) {
        // The path ends in a directory that it does not name.
        const struct end end = {.inode =
                                    resource_of_inode(walk->status.st_dev, walk->status.st_ino),
                                .behind = BEHIND_DIRECTORY};
        return add_end(walk, &end) ? STEP_DONE : STEP_FAILED;
    }
    if (length > NAME_MAX)
        return STEP_FAILED;
    memcpy(word, name, length);
    word[length] = '\0';
    memmove(walk->rest, after, strlen(after) + 1);
    if (strcmp(word, ".") == 0)
        return STEP_ON;
    if (strcmp(word, "..") == 0)
        return go_up(walk) ? STEP_ON : STEP_FAILED;
    uint64_t entry =
        resource_of_entry(walk->status.st_dev, walk->status.st_ino, word, strlen(word));
    return *walk->rest != '\0' ? enter(walk, word, entry) : arrive(walk, word, entry);
}

static bool look_up(const struct access_list *list, const char *path, bool follow,
                    struct meaning *meaning) {
    static struct walk walk;  // too large for a stack; the GIL guards it
    walk.list = list;
    walk.meaning = meaning;
    walk.links = 0;
    walk.follow = follow;
    meaning->directory_count = meaning->end_count = 0;
    char here[PATH_MAX] = "/";
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof walk.rest || (path[0] != '/' && !getcwd(here, sizeof here)))
        return false;
    // What a slash at the end asks for is only whether it is a directory.
    while (length > 1 && path[length - 1] == '/')
        length--;
    memcpy(walk.rest, path, length);
    walk.rest[length] = '\0';
    if (!go_to(&walk, here) || is_magic(walk.status.st_dev))
        return false;
    enum step taken = STEP_ON;
    while (taken == STEP_ON)
        taken = step(&walk);
    return taken == STEP_DONE;
}

// ------------------------------------------------------------------------------ memory

static struct meaning *recall(int thread, uint64_t path) {
    for (int i = 0; memories[thread].meanings != NULL && i < REMEMBERED; i++)
        if (memories[thread].meanings[i].path == path)
            return &memories[thread].meanings[i];
    return NULL;
}

static void remember(int thread, const struct meaning *meaning) {
    if (memories[thread].meanings == NULL)
        memories[thread].meanings = calloc(REMEMBERED, sizeof *meaning);
    remembering = thread < remembering ? remembering : thread + 1;
    if (memories[thread].meanings == NULL)
        return;
    struct meaning *place = recall(thread, meaning->path);
    if (place == NULL)
        place = &memories[thread].meanings[memories[thread].next++ % REMEMBERED];
    *place = *meaning;
}

// ------------------------------------------------------------------------------ accesses

// A name that nobody has looked up: the worst that the use may do to it.
static void add_unknown(struct access_list *list, const struct end *end, unsigned use) {
    bool write = (use & (PATH_MAKE | PATH_REMOVE)) != 0;
    access_add(list, end->entry, write ? FR_WRITE : FR_READ);
    if (write)
        access_add(list, end->parent, FR_WRITE_WEAK);
}

static bool add_known(struct access_list *list, const struct end *end, unsigned use) {
    bool is_there = end->inode != 0;
    bool write = is_there ? (use & PATH_REMOVE) != 0 : (use & PATH_MAKE) != 0;
    if (end->entry == 0 && (use & (PATH_MAKE | PATH_REMOVE)) != 0)
        return false;
    if (end->entry != 0)
        access_add(list, end->entry, write ? FR_WRITE : FR_READ);
    if (write)
        access_add(list, end->parent, FR_WRITE_WEAK);
    const struct fr_access *before = announced(list, end->entry);
    if (write && !is_there && (use & PATH_OPEN) == 0 && before != NULL && before->mode == FR_WRITE)
        note_made(end->entry);
    if (!is_there || (use & PATH_FRESH) != 0)
        return true;
    // Opening a pipe or a device does what nobody knows; a memory device, nothing.
    if ((use & PATH_OPEN) != 0 && end->behind == BEHIND_SPECIAL)
        return false;
    if (end->behind == BEHIND_NOTHING)
        return true;
    if ((use & (PATH_READ | PATH_WRITE | PATH_REMOVE)) != 0)
        access_add(list, end->inode, (use & PATH_READ) != 0 ? FR_READ : FR_WRITE);
    if ((use & PATH_REMOVE) != 0 && end->behind != BEHIND_FILE)
        access_add(list, resource_of_names(), FR_WRITE);
    return true;
}

static bool add_meaning(struct access_list *list, const struct meaning *meaning, unsigned use) {
    for (uint32_t i = 0; i < meaning->directory_count; i++)
        access_add(list, meaning->directories[i], FR_READ);
    if (meaning->end_count == 0 && (use & PATH_PARENTS) != 0)
        return false;
    for (uint32_t i = 0; i < meaning->end_count; i++) {
        const struct end *end = &meaning->ends[i];
        if (list->level > 0 && end->entry != 0 && announced(list, end->entry) == NULL) {
            add_unknown(list, end, use);
            return true;
        }
        bool is_followed = i + 1 < meaning->end_count;
        if (!add_known(list, end, is_followed ? 0 : use))
            return false;
    }
    return true;
}

// Has everything that was looked at been announced?
static bool is_settled(const struct access_list *list, const struct meaning *meaning) {
    for (uint32_t i = 0; i < meaning->end_count; i++)
        if (meaning->ends[i].entry != 0 && announced(list, meaning->ends[i].entry) == NULL)
            return false;
    return true;
}

bool path_add(struct access_list *list, const char *path, unsigned use) {
    int error = errno;
    int thread = carrier_current();
    bool follow = (use & PATH_FOLLOW) != 0;
    uint64_t hash = XXH3_64bits_withSeed(path, strlen(path), follow) | 1;
    access_add(list, resource_of_all(), FR_READ);
    access_add(list, resource_of_names(), (use & PATH_RULES) != 0 ? FR_WRITE : FR_READ);
    if ((use & PATH_OPEN) != 0)
        access_add(list, resource_of_descriptors(), FR_READ);
    list->may_go_on = true;
    list->looks_outside = true;
    bool understood = true;
    if (list->level == 0) {
        const struct meaning *known = thread >= 0 ? recall(thread, hash) : NULL;
        if (known != NULL)
            understood = add_meaning(list, known, use);
    } else {
        static struct meaning meaning;  // the GIL guards it
        meaning.path = hash;
        understood = look_up(list, path, follow, &meaning) && add_meaning(list, &meaning, use);
        if (understood && thread >= 0 && is_settled(list, &meaning))
            remember(thread, &meaning);
    }
    errno = error;
    return understood;
}
