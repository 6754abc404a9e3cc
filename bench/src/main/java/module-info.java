/** Measures the distribution: whole processes of the plugin beside their baselines, and the agent's part of an ADD. */
module dev.meshcni.bench {
    requires dev.meshcni.core;
    requires dev.meshcni.dist;
    requires java.compiler;
    requires java.management;
}
