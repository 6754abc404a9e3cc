// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrioNetworkTest {
    private static final InstallSettings SETTINGS =
            InstallSettings.chainedInto(CniJson.lenientObject("{\"type\": \"istio-cni\"}"));
    private static final ConfDirSnapshot DIR = ConfDirSnapshot.of(
            Path.of("/etc/cni/net.d"),
            Map.of("10-first.conflist", network("first"), "20-second.conflist", network("second")));

    @TempDir
    private Path directory;

    @Test
    void withoutSettingThereIsNothingToSay() throws IOException {
        write("crio.conf", "[crio.network]\n# cni_default_network = \"second\"\n");

        assertThat(CrioNetwork.in(directory)).isEmpty();
        assertThat(CrioNetwork.in(directory.resolve("none"))).isEmpty();
    }

    @Test
    void theLastSettingCounts() throws IOException {
        write("crio.conf", "cni_default_network = \"a\"\n");
        write("crio.conf.d/10-b.conf", "  cni_default_network='b' # ours\n");
        write("crio.conf.d/05-c.conf", "cni_default_network = \"c\"\n");

        assertThat(CrioNetwork.in(directory))
                .isEqualTo(Optional.of(new CrioNetwork("b", directory.resolve("crio.conf.d/10-b.conf"))));

        write("crio.conf.d/20-none.conf", "cni_default_network = \"\"\n");
        assertThat(CrioNetwork.in(directory)).isEmpty();
    }

    @Test
    void anotherNetworkThanOursIsAnError() {
        assertThat(finding("first")).isEmpty();
        assertThat(finding("second")).get().satisfies(found -> {
            assertThat(found.severity()).isEqualTo(Finding.Severity.ERROR);
            assertThat(found.what()).contains("10-first.conflist", "pods are not redirected");
            assertThat(found.remedy()).isEqualTo("set cni-conf-name to 20-second.conflist");
        });
        assertThat(finding("third"))
                .get()
                .satisfies(found -> assertThat(found.what()).contains("no file in /etc/cni/net.d has it"));
    }

    private static Optional<Finding> finding(String name) {
        return new CrioNetwork(name, Path.of("/etc/crio/crio.conf")).finding(DIR, SETTINGS);
    }

    private static String network(String name) {
        return "{\"cniVersion\": \"1.0.0\", \"name\": \"" + name + "\", \"plugins\": [{\"type\": \"bridge\"}]}";
    }

    private void write(String name, String content) throws IOException {
        Files.createDirectories(directory.resolve(name).getParent());
        Files.writeString(directory.resolve(name), content);
    }
}
