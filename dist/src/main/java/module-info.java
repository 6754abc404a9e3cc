/** Assembles the tree that is installed: launchers, the run-time image of {@code jlink}, and the AOT caches. */
module dev.meshcni.dist {
    requires dev.meshcni.core;
}
