// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.util.Map;

/** Remedies against base CNIs that rewrite the configuration file with our plugin. */
final class RewriteRemedy {
    private static final Map<String, String> BY_TYPE = Map.of(
            "cilium-cni",
            "Cilium takes exclusive control of the directory unless its Helm value cni.exclusive is false: set it"
                    + " to false",
            "multus",
            "Multus generates its file from the first other one: configure a separate file with --multus-conf-file,"
                    + " or install unchained with --chained-cni-plugin=false",
            "multus-shim",
            "Multus generates its file from the first other one: configure a separate file with --multus-conf-file,"
                    + " or install unchained with --chained-cni-plugin=false",
            "aws-cni",
            "aws-node writes its file when it starts: if it restarts repeatedly, check its log",
            "calico",
            "calico-node writes its file when it starts and when its token changes: if it restarts repeatedly,"
                    + " check its log",
            "antrea",
            "antrea-agent writes its file when it starts: if it restarts repeatedly, check its log");

    private RewriteRemedy() {}

    /** Advice for an operator. */
    static String of(String baseType) {
        return BY_TYPE.getOrDefault(
                baseType,
                "Find the DaemonSet that writes to this directory and configure it to keep other plugins in its"
                        + " list, or install unchained with --chained-cni-plugin=false");
    }
}
