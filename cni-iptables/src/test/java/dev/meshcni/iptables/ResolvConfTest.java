// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResolvConfTest {
    @TempDir
    Path directory;

    @Test
    void theServersAreListedInOrder() throws IOException {
        assertThat(servers("nameserver 10.96.0.10\noptions ndots:5\n  nameserver   fd00::a\n"))
                .isEqualTo("10.96.0.10,fd00::a");
    }

    @Test
    void commentsAndLinesWithoutAnAddressDoNotCount() throws IOException {
        assertThat(servers("# nameserver 10.0.0.1\n;nameserver 10.0.0.2\nnameserver\n"))
                .isEmpty();
    }

    @Test
    void theInterfaceOfALinkLocalServerIsLeftOut() throws IOException {
        assertThat(servers("nameserver fe80::1%eth0\n")).isEqualTo("fe80::1");
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Path missing = directory.resolve("missing");

        assertThatThrownBy(() -> ResolvConf.servers(missing))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(missing.toString());
    }

    private String servers(String text) throws IOException {
        return ResolvConf.servers(Files.writeString(directory.resolve("resolv.conf"), text));
    }
}
