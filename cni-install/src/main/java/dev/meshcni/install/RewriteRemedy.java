package dev.meshcni.install;

import java.util.Map;

/** What stops a base CNI from rewriting the configuration that our plugin stands in. */
final class RewriteRemedy {
    private static final Map<String, String> BY_TYPE = Map.of(
            "cilium-cni",
            "Cilium takes the directory for itself unless its Helm value cni.exclusive is false: set it",
            "multus",
            "Multus generates its file from the first other one: give it a file of its own with --multus-conf-file, or"
                    + " install beside it with --chained-cni-plugin=false",
            "multus-shim",
            "Multus generates its file from the first other one: give it a file of its own with --multus-conf-file, or"
                    + " install beside it with --chained-cni-plugin=false",
            "aws-cni",
            "aws-node writes its file when it starts: if it restarts all the time, look at its log",
            "calico",
            "calico-node writes its file when it starts and when its token changes: if it restarts all the time, look at its log",
            "antrea",
            "antrea-agent writes its file when it starts: if it restarts all the time, look at its log");

    private RewriteRemedy() {}

    /** Advice for an operator. */
    static String of(String baseType) {
        return BY_TYPE.getOrDefault(
                baseType,
                "Find out which DaemonSet writes to this directory, and tell it to leave other plugins in its list, or"
                        + " install beside it with --chained-cni-plugin=false");
    }
}
