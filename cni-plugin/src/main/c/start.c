/*
 * Comes behind everything else that the plugin is compiled from, and takes the place of the parts of TeaVM's runtime
 * that get it ready to run. Theirs write to the data of each class and of each string constant, to a table of the
 * constants and to a list of the classes, which costs a page fault for every 4 KiB of them: more time than the
 * plugin takes for its work. Here the data is right as it was linked, and what only the collector reads is made when
 * the collector comes, which for most calls is never.
 */
#include <sys/auxv.h>

_Static_assert(sizeof(TeaVM_Array) == 12 && sizeof(TeaVM_Object) == sizeof(char *), "headers of constants");
_Static_assert(sizeof(TeaVM_String) == sizeof(struct meshcni_string), "string constants");
_Static_assert(offsetof(TeaVM_String, characters) == offsetof(struct meshcni_string, characters), "string constants");
_Static_assert(offsetof(TeaVM_String, hashCode) == offsetof(struct meshcni_string, hash), "string constants");

/* The clock of a random number generator, the locale: nothing in the plugin asks for them. */
void teavm_beforeInit() {
}

/* A timer for threads that sleep. There are none; whoever waits does so by poll(2). */
void teavm_initFiber() {
}

void teavm_waitFor(int64_t timeout) {
    poll(NULL, 0, (int) timeout);
}

void teavm_interrupt() {
}

/* Constants are linked with their headers: see libc.h. */
void teavm_initStringPool() {
}

void teavm_initClasses() {
}

/*
 * One mapping for all that the collector needs, so that what is used of it takes few tables of pages; and of what is
 * not used yet no more than the first part is asked for, as a host may count it.
 */
void teavm_initHeap(int64_t minHeap, int64_t maxHeap) {
    teavm_gc_pageSize = getauxval(AT_PAGESZ);
    int32_t regions = teavm_gc_calculateRegionsSize(maxHeap);
    int64_t workSize = teavm_pageCount(teavm_gc_calculateWorkSize(maxHeap));
    int64_t regionsSize = teavm_pageCount(regions * 2);
    int64_t cardsSize = teavm_pageCount(regions);
    char *memory = teavm_virtualAlloc(workSize + regionsSize + cardsSize + teavm_pageCount(maxHeap));

    teavm_gc_gcStorageAddress = memory;
    teavm_gc_regionsAddress = memory + workSize;
    teavm_gc_cardTable = memory + workSize + regionsSize;
    teavm_gc_heapAddress = memory + workSize + regionsSize + cardsSize;
    teavm_gc_minAvailableBytes = minHeap;
    teavm_gc_maxAvailableBytes = maxHeap;
    teavm_gc_gcStorageSize = teavm_gc_calculateWorkSize(minHeap);
    teavm_gc_regionMaxCount = teavm_gc_calculateRegionsSize(minHeap);
    teavm_gc_availableBytes = minHeap;

    teavm_virtualCommit(memory, teavm_pageCount(teavm_gc_gcStorageSize));
    teavm_virtualCommit(teavm_gc_regionsAddress, regionsSize + cardsSize + teavm_pageCount(minHeap));
}

/* A class registers its fields once. */
static struct {
    void ***roots;
    int count;
} meshcni_roots[sizeof(teavm_classReferences) / sizeof(*teavm_classReferences)];
static int meshcni_classes_with_roots;

void teavm_registerStaticGcRoots(void ***roots, int count) {
    meshcni_roots[meshcni_classes_with_roots].roots = roots;
    meshcni_roots[meshcni_classes_with_roots++].count = count;
}

void teavm_initStaticGcRoots() {
}

/* The list of the classes and that of the fields, when the collector comes for the first time. */
void teavm_gc_gcStarted(int32_t full) {
    if (teavm_gc_staticRoots != NULL) {
        return;
    }
    for (int i = 0; i < teavm_classReferencesCount; i++) {
        teavm_classReferences[i]->next = teavm_firstClass;
        teavm_firstClass = teavm_classReferences[i];
    }
    intptr_t count = 0;
    for (int i = 0; i < meshcni_classes_with_roots; i++) {
        count += meshcni_roots[i].count;
    }
    void ***root = malloc(sizeof(*root) * (count + 1));
    teavm_gc_staticRoots = root;
    *root++ = (void **) count;
    for (int i = 0; i < meshcni_classes_with_roots; i++) {
        memcpy(root, meshcni_roots[i].roots, sizeof(*root) * meshcni_roots[i].count);
        root += meshcni_roots[i].count;
    }
}
