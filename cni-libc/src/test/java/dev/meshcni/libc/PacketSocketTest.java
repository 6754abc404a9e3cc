// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PacketSocketTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    private Path path;
    private Wakeup wakeup;
    private PacketListener listener;
    private PacketSocket client;
    private PacketSocket server;

    @BeforeEach
    void connect() {
        path = directory.resolve("z.sock");
        wakeup = new Wakeup();
        listener = PacketListener.bind(path, 8);
        client = PacketSocket.connect(path);
        server = listener.accept(wakeup, PATIENCE).orElseThrow();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        listener.close();
        wakeup.close();
    }

    @Test
    void packetsKeepTheirBounds() {
        client.send(bytes("one"));
        client.send(bytes("two, longer"));

        assertThat(text(receive(server))).isEqualTo("one");
        assertThat(text(receive(server))).isEqualTo("two, longer");
        assertThat(server.receive(0)).isEmpty();
    }

    @Test
    void aPacketLongerThanTheRoomIsNotWhole() {
        client.send(new byte[PacketSocket.MAX_PACKET]);
        client.send(new byte[PacketSocket.MAX_PACKET + 1]);

        assertThat(receive(server).whole()).isTrue();
        assertThat(receive(server).whole()).isFalse();
    }

    @Test
    void filesComeWithTheirPacket() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "content");
        try (SharedDescriptor first = SharedDescriptor.open(file);
                SharedDescriptor second = SharedDescriptor.open(directory)) {
            server.send(bytes("with two"), List.of(first, second));

            Packet packet = receive(client, 2);

            assertThat(text(packet)).isEqualTo("with two");
            assertThat(packet.whole()).isTrue();
            assertThat(packet.descriptors()).hasSize(2);
            assertThat(packet.descriptors().getFirst().path()).hasContent("content");
            assertThat(Files.isSameFile(packet.descriptors().getLast().path(), directory))
                    .isTrue();
            packet.descriptors().forEach(ReceivedDescriptor::close);
        }
    }

    @Test
    void filesThatNobodyHasAskedForAreNotOpened() throws IOException {
        try (SharedDescriptor file = SharedDescriptor.open(directory)) {
            List<String> before = descriptors(directory.toRealPath().toString());
            client.send(bytes("unasked"), Collections.nCopies(20, file));

            Packet packet = receive(server);

            assertThat(packet.descriptors()).isEmpty();
            assertThat(packet.whole()).isFalse();
            assertThat(before).isNotEmpty();
            assertThat(descriptors(directory.toRealPath().toString())).isEqualTo(before);
        }
    }

    @Test
    void theEndIsAPacketWithoutContent() {
        client.send(bytes("last"));
        client.close();

        assertThat(text(receive(server))).isEqualTo("last");
        assertThat(receive(server).isEnd()).isTrue();
        assertThatThrownBy(() -> server.send(bytes("late")))
                .isInstanceOf(RedirectException.class)
                .hasMessage("sending a packet of 4 bytes: Broken pipe");
        client = PacketSocket.connect(path);
    }

    @Test
    void aPeerThatReadsNothingHoldsNobody() {
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        client.send(bytes("more"));
                    }
                })
                .isInstanceOf(RedirectException.class)
                .hasMessage("sending a packet of 4 bytes: Resource temporarily unavailable");
    }

    @Test
    void aSignalEndsAWaitAndIsForgottenThen() {
        Thread signaller = Thread.ofPlatform().start(wakeup::signal);

        assertThat(server.await(wakeup, PATIENCE)).isFalse();
        assertThat(server.await(wakeup, Duration.ofMillis(20))).isFalse();
        assertThat(listener.accept(wakeup, Duration.ZERO)).isEmpty();
        assertThat(signaller.isInterrupted()).isFalse();
    }

    @Test
    void thePeerIsThisProcess() throws IOException {
        int uid = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        int gid = (int) Files.getAttribute(Path.of("/proc/self"), "unix:gid");

        assertThat(server.peer())
                .isEqualTo(new PeerCredentials((int) ProcessHandle.current().pid(), uid, gid));
    }

    @Test
    void theFileIsForItsUserAloneAndTheOnlyOne() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        assertThat(names()).containsExactly("z.sock");
    }

    @Test
    void thereIsNoMomentWithoutAListener() throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        AtomicBoolean refused = new AtomicBoolean();
        Thread dialling = Thread.ofPlatform().start(() -> {
            int inARow = 0;
            while (!done.get()) {
                try {
                    PacketSocket.connect(path).close();
                    inARow = 0;
                } catch (RedirectException e) {
                    // The backlog of the present listener may be full; that is not "nobody listens". Nor is a call that
                    // has found the former listener's file before, and reaches it after its end: the next one does not.
                    inARow = String.valueOf(e.getMessage()).endsWith("unavailable") ? 0 : inARow + 1;
                    refused.compareAndSet(false, inARow > 2);
                }
            }
        });

        for (int i = 0; i < 300; i++) {
            PacketListener former = listener;
            listener = PacketListener.bind(path, 8);
            former.close();
        }
        done.set(true);
        dialling.join();

        assertThat(refused).isFalse();
        assertThat(names()).containsExactly("z.sock");
    }

    @Test
    void aFailedBindLeavesNothing() throws IOException {
        List<String> before = descriptors("socket:");
        Path occupied = Files.createDirectory(directory.resolve("d"));
        Files.createFile(occupied.resolve("file"));

        assertThatThrownBy(() -> PacketListener.bind(occupied, 8))
                .isInstanceOf(RedirectException.class)
                .hasMessageStartingWith("making the socket " + occupied + " failed: ");
        assertThatThrownBy(() -> PacketListener.bind(directory.resolve("gone/z.sock"), 8))
                .isInstanceOf(RedirectException.class)
                .hasMessageEndingWith(": No such file or directory");
        assertThatThrownBy(() -> PacketListener.bind(directory.resolve("z".repeat(120)), 8))
                .isInstanceOf(RedirectException.class)
                .hasMessageContaining("at most 107 are possible");
        assertThat(names()).containsExactly("d", "z.sock");
        assertThat(descriptors("socket:")).isEqualTo(before);
    }

    @Test
    void nobodyListensAtAnOldFile() {
        listener.close();

        assertThatThrownBy(() -> PacketSocket.connect(path))
                .isInstanceOf(RedirectException.class)
                .hasMessage("connecting to " + path + ": Connection refused");
        listener = PacketListener.bind(path, 8);
        PacketSocket.connect(path).close();
    }

    private Packet receive(PacketSocket socket) {
        return receive(socket, 0);
    }

    private Packet receive(PacketSocket socket, int descriptors) {
        assertThat(socket.await(wakeup, PATIENCE)).isTrue();
        return socket.receive(descriptors).orElseThrow();
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** The descriptors of this process for what begins like this; the JVM may open other files at any time. */
    private static List<String> descriptors(String target) throws IOException {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : open) {
                try {
                    if (Files.readSymbolicLink(descriptor).toString().startsWith(target)) {
                        found.add(descriptor.getFileName().toString());
                    }
                } catch (NoSuchFileException e) {
                    // Closed since it was listed.
                }
            }
        }
        return found.stream().sorted().toList();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Packet packet) {
        return new String(packet.bytes(), StandardCharsets.UTF_8);
    }
}
