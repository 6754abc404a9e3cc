/** {@code meshcni demo}: redirects the traffic of a pod on this machine, and proves it. */
module dev.meshcni.demo {
    requires dev.meshcni.core;
    requires dev.meshcni.kubernetes;
    requires dev.meshcni.netns.linux;
    requires dev.meshcni.trace;
    requires transitive info.picocli;

    exports dev.meshcni.demo;

    opens dev.meshcni.demo to
            info.picocli;
}
