// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The protocol between plugin and agent on the agent's socket: one request, one reply, then both close.
 *
 * <p>A request is the magic number, a version byte, the plugin's environment and its standard input, each with its
 * length before it; a reply is the magic number, a version byte, the exit code and what goes to standard output.
 * Numbers are big endian. Lengths are checked before anything is read, and memory is taken for what has come, not for
 * what was announced. The plugin loads this class on every call, so it uses nothing but buffers.
 */
public final class AgentProtocol {
    /** The name of the socket in the agent's run directory. */
    public static final String SOCKET_NAME = "agent.sock";

    /** The most bytes that the environment of a request may have. */
    public static final int MAX_ENVIRONMENT = 64 * 1024;

    /** The most bytes that the standard input of a request, or the standard output of a reply, may have. */
    public static final int MAX_STREAM = 4 * 1024 * 1024;

    private static final int MAGIC = 0x6d63_6e69;
    private static final byte VERSION = 1;
    private static final int FIRST_BUFFER = 8 * 1024;
    private static final int READ_AHEAD = 2 * 1024;
    private static final int HEADER = Integer.BYTES + 1;

    private AgentProtocol() {}

    /**
     * A call of the plugin.
     *
     * @param environment the variables that start with {@code CNI_}
     * @param stdin its standard input, as it came
     */
    @SuppressWarnings("ArrayRecordComponent") // bytes on their way, never compared
    public record Request(Map<String, String> environment, byte[] stdin) {
        public Request {
            Objects.requireNonNull(environment, "environment is null");
            Objects.requireNonNull(stdin, "stdin is null");
        }
    }

    /**
     * The output and exit code of the plugin.
     *
     * @param exitCode the exit code of its process, 0 to 255
     * @param stdout what it prints, as it is
     */
    @SuppressWarnings("ArrayRecordComponent") // bytes on their way, never compared
    public record Reply(int exitCode, byte[] stdout) {
        public Reply {
            Objects.requireNonNull(stdout, "stdout is null");
        }
    }

    /** Writes a request. */
    public static void write(WritableByteChannel channel, Request request) throws IOException {
        StringBuilder variables = new StringBuilder();
        request.environment()
                .forEach((name, value) ->
                        variables.append(name).append('=').append(value).append('\0'));
        ByteBuffer environment = StandardCharsets.UTF_8.encode(CharBuffer.wrap(variables));
        checkLength("environment", environment.remaining(), MAX_ENVIRONMENT);
        checkLength("standard input", request.stdin().length, MAX_STREAM);
        ByteBuffer frame = ByteBuffer.allocate(
                HEADER + Integer.BYTES + environment.remaining() + Integer.BYTES + request.stdin().length);
        frame.putInt(MAGIC).put(VERSION);
        frame.putInt(environment.remaining()).put(environment);
        frame.putInt(request.stdin().length).put(request.stdin());
        writeFully(channel, frame.flip());
    }

    /**
     * Reads a request.
     *
     * @throws MalformedFrameException if what comes is not a request, or is longer than allowed
     * @throws EOFException if the other side stops before the request is complete
     */
    public static Request readRequest(ReadableByteChannel channel) throws IOException {
        Incoming frame = new Incoming(channel);
        readHeader(frame);
        byte[] environment = readBlock(frame, "environment", MAX_ENVIRONMENT);
        byte[] stdin = readBlock(frame, "standard input", MAX_STREAM);
        return new Request(variables(environment), stdin);
    }

    /** Writes a reply. */
    public static void write(WritableByteChannel channel, Reply reply) throws IOException {
        checkLength("standard output", reply.stdout().length, MAX_STREAM);
        ByteBuffer frame = ByteBuffer.allocate(HEADER + 1 + Integer.BYTES + reply.stdout().length);
        frame.putInt(MAGIC).put(VERSION).put((byte) reply.exitCode());
        frame.putInt(reply.stdout().length).put(reply.stdout());
        writeFully(channel, frame.flip());
    }

    /**
     * Reads a reply.
     *
     * @throws MalformedFrameException if what comes is not a reply, or is longer than allowed
     * @throws EOFException if the other side stops before the reply is complete
     */
    public static Reply readReply(ReadableByteChannel channel) throws IOException {
        Incoming frame = new Incoming(channel);
        readHeader(frame);
        int exitCode = Byte.toUnsignedInt(frame.take(1).get());
        return new Reply(exitCode, readBlock(frame, "standard output", MAX_STREAM));
    }

    private static void readHeader(Incoming frame) throws IOException {
        ByteBuffer header = frame.take(HEADER);
        if (header.getInt() != MAGIC) {
            throw new MalformedFrameException("not a valid protocol frame");
        }
        byte version = header.get();
        if (version != VERSION) {
            throw new MalformedFrameException("protocol version " + version + ", expected " + VERSION);
        }
    }

    private static byte[] readBlock(Incoming frame, String what, int limit) throws IOException {
        int length = frame.take(Integer.BYTES).getInt();
        checkLength(what, length, limit);
        return frame.take(length).array();
    }

    private static void checkLength(String what, int length, int limit) throws MalformedFrameException {
        if (length < 0 || length > limit) {
            throw new MalformedFrameException(
                    what + " of " + Integer.toUnsignedString(length) + " bytes exceeds the limit of " + limit);
        }
    }

    private static Map<String, String> variables(byte[] block) throws MalformedFrameException {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(block))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedFrameException("the environment is not UTF-8");
        }
        Map<String, String> variables = new LinkedHashMap<>();
        int start = 0;
        for (int end = text.indexOf('\0'); end >= 0; end = text.indexOf('\0', start)) {
            int equals = text.indexOf('=', start);
            if (equals <= start || equals > end) {
                throw new MalformedFrameException("an environment variable has no name");
            }
            variables.put(text.substring(start, equals), text.substring(equals + 1, end));
            start = end + 1;
        }
        if (start != text.length()) {
            throw new MalformedFrameException("the environment ends in the middle of a variable");
        }
        return variables;
    }

    private static void writeFully(WritableByteChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /**
     * The one frame that comes on a channel. A few small parts of it are read at once, so that most frames take one or
     * two calls of the kernel.
     */
    private static final class Incoming {
        private final ReadableByteChannel channel;
        private final ByteBuffer ahead = ByteBuffer.allocate(READ_AHEAD).flip();

        Incoming(ReadableByteChannel channel) {
            this.channel = channel;
        }

        /** The next bytes, so many; they are all that is in the array behind them. */
        ByteBuffer take(int length) throws IOException {
            ByteBuffer taken = ByteBuffer.allocate(Math.min(length, FIRST_BUFFER));
            while (taken.position() < length) {
                if (!taken.hasRemaining()) {
                    int capacity = (int) Math.min(length, 2L * taken.capacity());
                    taken = ByteBuffer.wrap(Arrays.copyOf(taken.array(), capacity))
                            .position(taken.position());
                }
                if (ahead.hasRemaining()) {
                    int some = Math.min(ahead.remaining(), taken.remaining());
                    ahead.get(taken.array(), taken.position(), some);
                    taken.position(taken.position() + some);
                } else if (taken.remaining() < READ_AHEAD) {
                    ahead.clear();
                    read(ahead);
                    ahead.flip();
                } else {
                    read(taken);
                }
            }
            return taken.flip();
        }

        private void read(ByteBuffer into) throws IOException {
            if (channel.read(into) < 0) {
                throw new EOFException("unexpected end of stream");
            }
        }
    }
}
