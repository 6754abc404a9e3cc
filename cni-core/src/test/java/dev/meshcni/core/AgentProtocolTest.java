// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.ByteRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class AgentProtocolTest {
    private static final AgentProtocol.Request REQUEST = new AgentProtocol.Request(
            Map.of("CNI_COMMAND", "ADD", "CNI_ARGS", "A=1;B=", "CNI_PATH", "/ü"),
            "{\"a\":1}".getBytes(StandardCharsets.UTF_8));

    @Test
    void aRequestArrivesAsItWasSent() throws IOException {
        AgentProtocol.Request read = AgentProtocol.readRequest(channel(written(REQUEST)));

        assertThat(read.environment()).isEqualTo(REQUEST.environment());
        assertThat(read.stdin()).isEqualTo(REQUEST.stdin());
    }

    @Test
    void aReplyArrivesAsItWasSent() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        AgentProtocol.write(Channels.newChannel(out), new AgentProtocol.Reply(255, new byte[] {1, 2, 3}));

        AgentProtocol.Reply read = AgentProtocol.readReply(channel(out.toByteArray()));

        assertThat(read.exitCode()).isEqualTo(255);
        assertThat(read.stdout()).containsExactly(1, 2, 3);
    }

    @Test
    void aRequestMayComeInPiecesOfAnyLength() throws IOException {
        byte[] stdin = new byte[20_000];
        new Random(1).nextBytes(stdin);
        byte[] frame = written(new AgentProtocol.Request(Map.of("CNI_ARGS", "x".repeat(5_000)), stdin));
        for (int length : List.of(1, 3, 2048, 2049, frame.length)) {
            AgentProtocol.Request read = AgentProtocol.readRequest(inPieces(frame, length));

            assertThat(read.stdin()).isEqualTo(stdin);
            assertThat(read.environment()).containsExactly(Map.entry("CNI_ARGS", "x".repeat(5_000)));
        }
    }

    @Test
    void aRequestCutAnywhereIsAnEarlyEnd() throws IOException {
        byte[] whole = written(REQUEST);
        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> AgentProtocol.readRequest(channel(part))).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void aLengthOverTheLimitIsRefusedBeforeAnythingIsAllocated() throws IOException {
        byte[] frame = written(REQUEST);
        ByteBuffer.wrap(frame).putInt(5, 100 * 1024 * 1024);

        assertThatThrownBy(() -> AgentProtocol.readRequest(channel(frame)))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining("environment of 104857600 bytes exceeds the limit of 65536");
    }

    @Test
    void memoryIsTakenForWhatHasComeAndNotForWhatWasAnnounced() throws IOException {
        ByteBuffer announced = ByteBuffer.allocate(13)
                .putInt(0x6d63_6e69)
                .put((byte) 1)
                .putInt(0)
                .putInt(4 << 20)
                .flip();
        List<Integer> room = new ArrayList<>();
        ReadableByteChannel slow = new ReadableByteChannel() {
            private int sent;

            @Override
            public int read(ByteBuffer buffer) {
                room.add(buffer.capacity());
                if (announced.hasRemaining()) {
                    int length = Math.min(buffer.remaining(), announced.remaining());
                    buffer.put(announced.slice(announced.position(), length));
                    announced.position(announced.position() + length);
                    return length;
                }
                buffer.put((byte) 0);
                return ++sent > 20_000 ? -1 : 1;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        };

        assertThatThrownBy(() -> AgentProtocol.readRequest(slow)).isInstanceOf(EOFException.class);
        assertThat(room).allMatch(size -> size <= 2 * 20_000);
    }

    @Test
    void aNegativeLengthIsRefused() throws IOException {
        byte[] frame = written(REQUEST);
        ByteBuffer.wrap(frame).putInt(5, -1);

        assertThatThrownBy(() -> AgentProtocol.readRequest(channel(frame)))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining("4294967295 bytes");
    }

    @Test
    void anotherProtocolVersionIsNamed() throws IOException {
        byte[] frame = written(REQUEST);
        frame[4] = 9;

        assertThatThrownBy(() -> AgentProtocol.readRequest(channel(frame)))
                .isInstanceOf(MalformedFrameException.class)
                .hasMessageContaining("protocol version 9");
    }

    @Test
    void whatIsTooLongIsNotSent() {
        AgentProtocol.Request tooLong = new AgentProtocol.Request(Map.of(), new byte[AgentProtocol.MAX_STREAM + 1]);

        assertThatThrownBy(() -> written(tooLong)).isInstanceOf(MalformedFrameException.class);
    }

    @Property(tries = 2000)
    void changedBytesGiveARequestOrAnOrdinaryError(
            @ForAll @Size(max = 4) Map<@ByteRange(min = 0, max = 90) Byte, Byte> changes) throws IOException {
        byte[] frame = written(REQUEST);
        changes.forEach((position, value) -> frame[position % frame.length] = value);

        try {
            assertThat(AgentProtocol.readRequest(channel(frame)).stdin().length).isLessThan(frame.length);
        } catch (EOFException | MalformedFrameException expected) {
            assertThat(expected.getMessage()).isNotBlank();
        }
    }

    private static ReadableByteChannel inPieces(byte[] bytes, int length) {
        return Channels.newChannel(new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] into, int offset, int room) {
                return super.read(into, offset, Math.min(length, room));
            }
        });
    }

    private static byte[] written(AgentProtocol.Request request) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        AgentProtocol.write(Channels.newChannel(out), request);
        return out.toByteArray();
    }

    private static ReadableByteChannel channel(byte[] bytes) {
        return Channels.newChannel(new ByteArrayInputStream(bytes));
    }
}
