/**
 * {@code istio-cni}, the plugin that container runtimes start. It is compiled to one static program for Linux; on a JVM
 * it runs in tests.
 */
module dev.meshcni.plugin {
    requires dev.meshcni.core;
    requires dev.meshcni.host.linux;
    requires static teavm.interop;

    exports dev.meshcni.plugin;
}
