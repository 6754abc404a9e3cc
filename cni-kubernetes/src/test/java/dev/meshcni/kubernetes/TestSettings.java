// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.testkit.FakeApiServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Settings that lead to the API server of a test. */
final class TestSettings {
    private TestSettings() {}

    /** By a kubeconfig in a directory. */
    static KubernetesSettings of(FakeApiServer server, Path directory) throws IOException {
        return new KubernetesSettings(
                FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(2));
    }
}
