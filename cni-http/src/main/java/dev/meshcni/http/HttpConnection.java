// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A connection of one peer, which carries one request: its head is read, an answer is awaited and written, and what the
 * peer sends beyond the head is dropped. Each of these has a deadline. For the thread of the port, but for
 * {@link #isOpen}.
 */
final class HttpConnection {
    private static final int FIRST_SIZE = 512;
    /**
     * So much, and for so long, is read and dropped behind an answer, as closing at once could cost the peer the answer
     * (a reset).
     */
    private static final int MOST_DROPPED = 64 << 10;

    private static final Duration DROP_TIME = Duration.ofSeconds(1);

    private final SocketChannel channel;
    private final InetAddress peer;
    private final SelectionKey key;
    private final HttpLimits limits;
    private State state = State.READING;
    private long deadline;
    private byte[] head = new byte[FIRST_SIZE];
    private int length;
    private boolean isHead;
    private ByteBuffer[] answer = {};
    private int dropped;

    /** The event that the connection waits for. */
    enum State {
        /** For the head of the request. */
        READING,
        /** For the page. */
        AWAITING,
        /** For the peer to take the answer. */
        WRITING,
        /** For the peer to close its side. */
        DROPPING
    }

    private HttpConnection(SocketChannel channel, InetAddress peer, SelectionKey key, HttpLimits limits) {
        this.channel = channel;
        this.peer = peer;
        this.key = key;
        this.limits = limits;
        this.deadline = after(limits.headTime());
    }

    /** A connection that was accepted; its key has it attached. */
    static HttpConnection of(SocketChannel channel, Selector selector, HttpLimits limits) throws IOException {
        requireNonNull(limits, "limits is null");
        if (!(channel.getRemoteAddress() instanceof InetSocketAddress address)) {
            throw new IOException("peer has no address");
        }
        channel.configureBlocking(false);
        SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
        HttpConnection connection = new HttpConnection(channel, address.getAddress(), key, limits);
        key.attach(connection);
        return connection;
    }

    InetAddress peer() {
        return peer;
    }

    State state() {
        return state;
    }

    boolean isLate(long nanoTime) {
        return nanoTime - deadline > 0;
    }

    /** Returns whether it has not been closed; from any thread. */
    boolean isOpen() {
        return channel.isOpen();
    }

    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The descriptor is closed even on failure (close(2)), and there is no caller to report to.
            return;
        }
    }

    /**
     * Reads on, and gives the request once its head is complete.
     *
     * @param buffer what to read into, of any content
     * @throws HttpRefusedException if it is no request that can be answered
     * @throws IOException if peer disconnected
     */
    Optional<HttpRequest> read(ByteBuffer buffer) throws IOException {
        buffer.clear();
        if (channel.read(buffer) < 0) {
            throw new EOFException("peer disconnected");
        }
        buffer.flip();
        int before = length;
        append(buffer);
        int end = HttpRequest.end(head, before, length);
        if (end < 0 && length < limits.headBytes()) {
            return Optional.empty();
        }
        byte[] read = head;
        head = new byte[0];
        await();
        if (end < 0) {
            throw new HttpRefusedException(
                    HttpRefusal.TOO_LARGE, 431, "request head exceeds " + limits.headBytes() + " bytes");
        }
        HttpRequest request = HttpRequest.parse(Arrays.copyOf(read, end));
        isHead = request.isHead();
        return Optional.of(request);
    }

    /** Begins to write the answer, unless there was one before. */
    void answer(HttpAnswer page) throws IOException {
        if (state == State.AWAITING && isOpen()) {
            state = State.WRITING;
            deadline = after(limits.answerTime());
            answer = page.bytes(isHead);
            write();
        }
    }

    /** Writes on. */
    void write() throws IOException {
        channel.write(answer);
        if (unsent() > 0) {
            key.interestOps(SelectionKey.OP_WRITE);
            return;
        }
        answer = new ByteBuffer[0];
        state = State.DROPPING;
        deadline = after(DROP_TIME);
        key.interestOps(SelectionKey.OP_READ);
        channel.shutdownOutput();
    }

    /** Drops what the peer sends, and closes when it has closed its side. */
    void drop(ByteBuffer buffer) throws IOException {
        buffer.clear();
        int read = channel.read(buffer);
        dropped += Math.max(read, 0);
        if (read < 0 || dropped > MOST_DROPPED) {
            close();
        }
    }

    /** The number of bytes of the answer in memory. */
    long unsent() {
        return Stream.of(answer).mapToLong(ByteBuffer::remaining).sum();
    }

    private void await() {
        state = State.AWAITING;
        deadline = after(limits.pageTime());
        key.interestOps(0);
    }

    private void append(ByteBuffer buffer) {
        int more = Math.min(buffer.remaining(), limits.headBytes() - length);
        if (length + more > head.length) {
            head = Arrays.copyOf(head, Math.min(limits.headBytes(), Math.max(2 * head.length, length + more)));
        }
        buffer.get(head, length, more);
        length += more;
    }

    private static long after(Duration time) {
        return System.nanoTime() + time.toNanos();
    }
}
