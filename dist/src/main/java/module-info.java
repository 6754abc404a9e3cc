/** Assembles the tree that is installed: launchers, the run-time image of {@code jlink}, and the AOT caches. */
module dev.meshcni.dist {
    requires dev.meshcni.core;

    exports dev.meshcni.dist to
            dev.meshcni.bench;
}
