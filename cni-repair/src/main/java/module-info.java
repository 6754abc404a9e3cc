/** Finds pods that run without the redirection they need, and repairs them. */
module dev.meshcni.repair {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.config;
    requires transitive dev.meshcni.kubernetes;
    requires transitive dev.meshcni.telemetry;
    requires transitive info.picocli;
    requires org.slf4j;

    exports dev.meshcni.repair;

    opens dev.meshcni.repair to
            info.picocli;
}
