/** Measures the distribution: whole processes of the plugin beside their baselines, the agent's part of an
 * ADD, and the engine's steps. */
module dev.meshcni.bench {
    requires dev.meshcni.core;
    requires dev.meshcni.dist;
    requires java.compiler;
    requires java.management;
    requires jmh.core;
}
