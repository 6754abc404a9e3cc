// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs on the page about CNI from Java: the runtime runs the plugin. */
class CniFromJavaTest {
    @TempDir
    private Path folder;

    private String classPath;

    @BeforeEach
    void compileTheCodeOfThePage() throws Exception {
        PageCode code = new PageCode(Path.of("../docs/cni-from-java.md"), folder);
        Path out = folder.resolve("classes");
        code.javac(out, "--class-path", PageCode.classes(), "AddressPlugin.java", "PoolPlugin.java", "Attach.java");
        classPath = out + ":" + PageCode.classes();
        Files.createDirectories(folder.resolve("bin"));
        plugin("address", "AddressPlugin");
        plugin("pool", "PoolPlugin");
    }

    @Test
    @Slow
    void theRuntimeGetsTheAddressThatThePluginReports() throws Exception {
        assertThat(attach("0.4.0", "10.9.8.7/16")).isEqualTo("eth0 has 10.9.8.7/16\n");
    }

    @Test
    @Slow
    void aPluginThatDelegatesHasTheAddressesOfItsDelegate() throws Exception {
        assertThat(attach("{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"plugins\":["
                        + "{\"type\":\"pool\",\"address\":\"10.9.8.7/16\",\"ipam\":{\"type\":\"address\"}}]}"))
                .isEqualTo("eth0 has 10.9.8.7/16\n");
    }

    @Test
    @Slow
    void theRuntimeIsToldWhatIsWrong() throws Exception {
        assertThat(attach("1.1.0", "nowhere"))
                .isEqualTo("error 7: plugin address failed (ADD): invalid field address\n");
    }

    private void plugin(String type, String mainClass) throws IOException {
        Path plugin = folder.resolve("bin").resolve(type);
        Files.writeString(
                plugin, "#!/bin/sh\nexec " + PageCode.program("java") + " -cp '" + classPath + "' " + mainClass + "\n");
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private String attach(String version, String address) throws IOException, InterruptedException {
        return attach("""
                {"cniVersion": "%s", "name": "pods", "plugins": [{"type": "address", "address": "%s"}]}
                """.formatted(version, address));
    }

    private String attach(String network) throws IOException, InterruptedException {
        Path configurations = Files.createDirectories(folder.resolve("net.d"));
        Files.writeString(configurations.resolve("10-pods.conflist"), network);
        return PageCode.run(List.of(
                PageCode.program("java"),
                "-cp",
                classPath,
                "Attach",
                configurations.toString(),
                folder.resolve("bin").toString(),
                "/run/netns/pod"));
    }
}
