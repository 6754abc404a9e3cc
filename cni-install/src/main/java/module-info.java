/** The installer: puts the plugin and its CNI configuration on a node, and keeps them as they should be. */
module dev.meshcni.install {
    requires transitive dev.meshcni.core;
    requires transitive dev.meshcni.config;
    requires transitive dev.meshcni.files;
    requires transitive dev.meshcni.host.linux;
    requires transitive dev.meshcni.telemetry;
    requires transitive info.picocli;
    requires org.slf4j;

    exports dev.meshcni.install;
    exports dev.meshcni.install.conf;

    opens dev.meshcni.install to
            info.picocli;
}
