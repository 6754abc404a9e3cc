/**
 * Measures the distribution: whole processes of the plugin beside their baselines, the agent's part of an ADD, an agent
 * that knows many pods, the backends with many rules, and the engine's steps.
 */
module dev.meshcni.bench {
    requires com.fasterxml.jackson.databind;
    requires dev.meshcni.ambient.host;
    requires dev.meshcni.core;
    requires dev.meshcni.dist;
    requires dev.meshcni.enrolment;
    requires dev.meshcni.libc;
    requires dev.meshcni.netfilter;
    requires dev.meshcni.netlink;
    requires dev.meshcni.nftables;
    requires dev.meshcni.netns.linux;
    requires java.compiler;
    requires java.management;
    requires jmh.core;
    requires kubernetes.model.core;
    requires jdk.httpserver;
}
