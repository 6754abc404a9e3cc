// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import java.util.List;

/**
 * The base CNI of somebody else, in a cluster without mesh-cni. What it leaves in the node's directory of
 * configurations is removed with it: otherwise the next test's pods would wait for a CNI that is gone.
 *
 * @param manifests what it is made of
 * @param files those of the node
 * @param before what was in the directory of configurations
 */
record ForeignCni(ForeignManifests manifests, NodeFiles files, List<String> before) implements AutoCloseable {
    /** Installs it; skips the test where its manifests are not named. */
    static ForeignCni install(Cluster cluster, Setting file) {
        ForeignManifests manifests = ForeignManifests.named(file);
        cluster.installation().remove();
        NodeFiles files = NodeFiles.of(cluster, Installation.manifest("{}"));
        ForeignCni installed = new ForeignCni(manifests, files, files.configurationFiles());
        try {
            manifests.applyAndAwait();
            return installed;
        } catch (RuntimeException | Error e) {
            installed.close();
            throw e;
        }
    }

    @Override
    public void close() {
        manifests.close();
        files.removeConfigurationsBut(before);
    }
}
