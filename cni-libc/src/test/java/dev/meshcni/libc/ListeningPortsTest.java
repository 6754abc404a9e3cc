// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import org.junit.jupiter.api.Test;

class ListeningPortsTest {
    @Test
    void portsOnWhichSomebodyListensAreReadOfBothFamilies() throws IOException {
        try (ServerSocket ipv4 = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
                ServerSocket any = new ServerSocket(0);
                Socket client = new Socket(ipv4.getInetAddress(), ipv4.getLocalPort())) {
            assertThat(ListeningPorts.read())
                    .contains(ipv4.getLocalPort(), any.getLocalPort())
                    .doesNotContain(client.getLocalPort());
            assertThat(ListeningPorts.ofProc())
                    .contains(ipv4.getLocalPort(), any.getLocalPort())
                    .doesNotContain(client.getLocalPort());
        }
    }
}
