import dev.meshcni.core.spi.RedirectBackend;

/** {@code meshcni}, the command line. */
module dev.meshcni.cli {
    requires dev.meshcni.ambient;
    requires dev.meshcni.core;
    requires dev.meshcni.demo;
    requires dev.meshcni.iptables;
    requires dev.meshcni.netfilter;
    requires dev.meshcni.trace;
    requires dev.meshcni.host.linux;
    requires dev.meshcni.netns.linux;
    requires dev.meshcni.config;
    requires dev.meshcni.daemon;
    requires dev.meshcni.doctor;
    requires dev.meshcni.install;
    requires dev.meshcni.kubernetes;
    requires dev.meshcni.manifest;
    requires dev.meshcni.repair;
    requires dev.meshcni.usage;
    requires info.picocli;

    opens dev.meshcni.cli to
            info.picocli;

    uses RedirectBackend;
}
