// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import dev.meshcni.api.NetworkConfigList;
import java.util.Arrays;
import java.util.List;

/** A service mesh other than Istio that has a CNI plugin of its own. */
enum OtherMesh {
    LINKERD("linkerd-cni", "Linkerd"),
    KUMA("kuma-cni", "Kuma"),
    CONSUL("consul-cni", "Consul");

    private final String type;
    private final String product;

    OtherMesh(String type, String product) {
        this.type = type;
        this.product = product;
    }

    /** Those whose plugin is in a list. */
    static List<OtherMesh> in(NetworkConfigList list) {
        return Arrays.stream(values())
                .filter(mesh ->
                        list.plugins().stream().anyMatch(plugin -> plugin.type().equals(mesh.type)))
                .toList();
    }

    /** The type of its plugin. */
    String type() {
        return type;
    }

    String product() {
        return product;
    }
}
