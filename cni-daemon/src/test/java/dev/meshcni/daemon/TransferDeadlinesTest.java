// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TransferDeadlinesTest {
    private static final Duration SOON = Duration.ofMillis(50);

    @TempDir
    private Path directory;

    private ServerSocketChannel silent;

    @BeforeEach
    void listen() throws IOException {
        silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        silent.bind(UnixDomainSocketAddress.of(directory.resolve("silent.sock")));
    }

    @AfterEach
    void close() throws IOException {
        silent.close();
    }

    @Test
    void whatDoesNotEndInTimeIsCut() throws IOException {
        try (TransferDeadlines deadlines = new TransferDeadlines(SOON);
                SocketChannel client = client();
                TransferDeadlines.Transfer _ = deadlines.begin(client)) {
            assertCut(client);
        }
    }

    @Test
    void whatEndsInTimeIsNot() throws IOException {
        try (TransferDeadlines deadlines = new TransferDeadlines(SOON);
                SocketChannel early = client();
                SocketChannel late = client()) {
            deadlines.begin(early).close();

            try (TransferDeadlines.Transfer _ = deadlines.begin(late)) {
                assertCut(late);
            }
            assertThat(early.isOpen()).isTrue();
        }
    }

    @Test
    void whatHasBegunStillHasItsDeadlineWhenNoMoreIsTaken() throws IOException {
        try (SocketChannel client = client()) {
            try (TransferDeadlines deadlines = new TransferDeadlines(SOON)) {
                deadlines.begin(client);
            }
            assertCut(client);
        }
    }

    private SocketChannel client() throws IOException {
        return SocketChannel.open(silent.getLocalAddress());
    }

    private static void assertCut(SocketChannel client) {
        assertThatThrownBy(() -> client.read(ByteBuffer.allocate(1))).isInstanceOf(ClosedChannelException.class);
    }
}
