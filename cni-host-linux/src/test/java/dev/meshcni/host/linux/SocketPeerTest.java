// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketPeerTest {
    @TempDir
    private Path root;

    @Test
    void whoeverThisProcessRunsAsIsTrusted() throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(root.resolve("agent.sock"));
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address);
            try (SocketChannel client = SocketChannel.open(address)) {
                assertThatCode(() -> SocketPeer.requireRoot(client)).doesNotThrowAnyException();
            }
        }
    }

    @NeedsRoot("starts a process of another user")
    @Test
    void anotherUserWhoListensIsNamed() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/perl")), "needs perl");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path socket = root.resolve("agent.sock");
        Process listener = new ProcessBuilder("/usr/bin/perl", "-MSocket", "-e", """
            $( = $) = 65534; $< = $> = 65534;
            socket(S, AF_UNIX, SOCK_STREAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die; listen(S, 5) or die;
            $| = 1; print "listening\\n"; sleep 30;\
            """, socket.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(listener.inputReader().readLine()).isEqualTo("listening");
            try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                assertThatThrownBy(() -> SocketPeer.requireRoot(client))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("user nobody, not as root");
            }
        } finally {
            listener.destroyForcibly();
        }
    }
}
