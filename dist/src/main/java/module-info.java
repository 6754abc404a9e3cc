/** Assembles the tree that is installed: launchers, the run-time image of {@code jlink}, and its AOT caches. */
module dev.meshcni.dist {}
