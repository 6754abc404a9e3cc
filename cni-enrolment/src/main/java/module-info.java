/** Has the pods of a node join the mesh of its ztunnel and leave it, as labels and the plugin's calls say. */
module dev.meshcni.enrolment {
    requires transitive dev.meshcni.ambient;
    requires transitive dev.meshcni.core;
    requires dev.meshcni.ambient.host;
    requires dev.meshcni.config;
    requires dev.meshcni.host.linux;
    requires transitive dev.meshcni.kubernetes;
    requires dev.meshcni.libc;
    requires dev.meshcni.netns.linux;
    requires transitive dev.meshcni.repair;
    requires transitive dev.meshcni.telemetry;
    requires transitive info.picocli;
    requires org.slf4j;

    exports dev.meshcni.enrolment;

    opens dev.meshcni.enrolment to
            info.picocli;
}
