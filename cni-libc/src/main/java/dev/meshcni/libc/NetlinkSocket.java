// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import com.sun.jna.Pointer;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.netlink.KernelError;
import dev.meshcni.netlink.NetlinkDump;
import dev.meshcni.netlink.NetlinkException;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NetlinkReply;
import dev.meshcni.netlink.NfBatch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * A connection to one of the kernel's netlink services ({@code netlink(7)}), in the network namespace of the thread
 * that opens it. For one thread.
 */
public final class NetlinkSocket implements AutoCloseable {
    public static final int ROUTE = 0;
    public static final int NETFILTER = 12;

    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDBUF = 7;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_NETNS_COOKIE = 71;
    private static final int SOL_NETLINK = 270;
    private static final int NETLINK_CAP_ACK = 10;
    private static final int NETLINK_EXT_ACK = 11;
    private static final int ENOBUFS = 105;

    /** The kernel answers at once; this only bounds the wait should it never do. */
    private static final long ANSWER_SECONDS = 5;

    /**
     * In bytes: what is read of one listing. A pod has some ten tables, chains, addresses and routes; each takes some
     * hundred bytes.
     */
    private static final int MAX_DUMP = 1 << 20;

    /** The number of retries of a listing that changes while it is read. */
    private static final int ATTEMPTS = 10;

    /** The kernel makes no datagram of a listing longer than this, unless one message is. */
    private static final int RECEIVE_LENGTH = 32768;

    /** In bytes: a batch up to this length fits into the default buffer of a socket. */
    private static final int DEFAULT_SEND_BUFFER = 64 << 10;

    private final int fd;

    /** Outside of the heap, as an array would be copied there and back for each datagram. */
    private final NativeBlock block;

    private final Pointer received;
    private int sequence;

    public NetlinkSocket(int service) {
        this.fd = LibC.check(LibC.socket(AF_NETLINK, SOCK_RAW | LibC.O_CLOEXEC, service), "opening a netlink socket");
        this.block = NativeBlock.unfilled(RECEIVE_LENGTH);
        this.received = block.take(RECEIVE_LENGTH);
        byte[] timeval = ByteBuffer.allocate(16)
                .order(ByteOrder.nativeOrder())
                .putLong(ANSWER_SECONDS)
                .array();
        LibC.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length);
        // An error then says what is wrong with which attribute, and does not repeat the request. Kernels before 4.12
        // do not know.
        option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
        option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
    }

    /** The kernel's number of the namespace that the socket is in ({@code SO_NETNS_COOKIE}); 0 where it has none. */
    public long namespaceCookie() {
        byte[] value = new byte[Long.BYTES];
        int result = LibC.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, value, new int[] {value.length});
        return result < 0
                ? 0
                : ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong();
    }

    /**
     * Opens the namespace that the socket is in.
     *
     * @return a descriptor of it, for the caller to close
     * @throws RedirectException if that takes more rights than this process has, or a newer kernel
     */
    public int openNamespace() {
        return LibC.check(LibC.ioctl(fd, LibC.SIOCGSKNS), "opening the network namespace of a socket");
    }

    /**
     * Sends a request and waits until the kernel has carried it out.
     *
     * @return 0, or the error number that it failed with
     */
    public int execute(NetlinkMessage request) {
        NetlinkReply answer = answer(request);
        if (answer.isAck()) {
            return 0;
        }
        return answer.error()
                .map(KernelError::errno)
                .orElseThrow(() ->
                        new RedirectException("a netlink request was answered by a message of type " + answer.type()));
    }

    /** Sends a request for one thing; the message that answers it. */
    public NetlinkReply ask(NetlinkMessage request) {
        NetlinkReply answer = answer(request);
        answer.error().ifPresent(error -> {
            throw refused("reading through netlink", error);
        });
        return answer;
    }

    /** Sends a request for a list of what a pod has few of; the messages that answer it. */
    public List<NetlinkReply> dump(NetlinkMessage request) {
        return dump(request, MAX_DUMP);
    }

    /**
     * Sends a request for a list; the messages that answer it.
     *
     * @param most how many bytes are read of it
     * @throws UnreadableRulesException if it is longer, or changes all the time
     */
    public List<NetlinkReply> dump(NetlinkMessage request, int most) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Optional<List<NetlinkReply>> replies = attempt(request, most);
            if (replies.isPresent()) {
                return replies.get();
            }
        }
        throw new UnreadableRulesException(
                "the pod's tables, addresses or routes change all the time: no listing of " + ATTEMPTS + " was whole");
    }

    /**
     * Sends a batch, which the kernel carries out as a whole or not at all.
     *
     * @throws RefusedException if it has not
     * @throws RedirectException if it is not known whether it has
     */
    public void transact(NfBatch batch) {
        int first = sequence + 1;
        send(batch, first, batch.encode(first));
    }

    /**
     * Sends a batch without its end: the kernel takes it for one that was cut off, checks all changes and makes none.
     *
     * @throws RefusedException if it would not make one of them
     */
    public void check(NfBatch batch) {
        int first = sequence + 1;
        send(batch, first, batch.encodeWithoutEnd(first));
    }

    /**
     * Waits until the kernel has come to the end of a change of nf_tables that it is making: changes are made one after
     * the other, and this is one that changes nothing. The kernel carries out a batch before {@code send(2)} returns.
     */
    public void awaitChanges() {
        NfBatch nothing = new NfBatch();
        int first = sequence + 1;
        sequence = nothing.lastSequence(first);
        send(nothing.encode(first));
    }

    private void send(NfBatch batch, int first, byte[] bytes) {
        sequence = batch.lastSequence(first);
        if (bytes.length > DEFAULT_SEND_BUFFER) {
            // The kernel counts its own structures too. Where only root may have more, root of the node is.
            if (!option(SOL_SOCKET, SO_SNDBUFFORCE, 2 * bytes.length)) {
                option(SOL_SOCKET, SO_SNDBUF, 2 * bytes.length);
            }
        }
        send(bytes);
        boolean lost = false;
        while (true) {
            Optional<List<NetlinkReply>> datagram = receiveOrLost(lost);
            if (datagram.isEmpty()) {
                if (lost) {
                    throw new RedirectException("the kernel's answers to a transaction were lost");
                }
                // Each failed change is answered, and there was no room for all answers. What was kept can still be
                // read.
                lost = true;
                continue;
            }
            for (NetlinkReply reply : datagram.get()) {
                if (reply.sequence() < first || reply.sequence() > sequence) {
                    continue;
                }
                Optional<KernelError> error = reply.error();
                if (error.isPresent()) {
                    discardAnswers();
                    throw refused(batch.about(first, error.get()), error.get());
                }
                if (reply.isAck() && reply.sequence() == batch.acknowledgement(first)) {
                    return;
                }
            }
        }
    }

    @Override
    public void close() {
        LibC.close(fd);
        block.close();
    }

    private static RefusedException refused(String what, KernelError error) {
        String text = error.text().isEmpty() ? "" : " (" + error.text() + ")";
        return new RefusedException(what + ": " + LibC.strerror(error.errno()) + text, error.errno());
    }

    /** The listing; empty if it has to be asked for again. */
    private Optional<List<NetlinkReply>> attempt(NetlinkMessage request, int most) {
        send(request);
        NetlinkDump dump = new NetlinkDump(sequence);
        int read = 0;
        boolean lost = false;
        while (!dump.done()) {
            Optional<List<NetlinkReply>> datagram = receiveOrLost(false);
            lost |= datagram.isEmpty();
            List<NetlinkReply> replies = datagram.orElse(List.of());
            dump.accept(replies);
            read += replies.stream()
                    .mapToInt(reply -> reply.body().length() + NetlinkMessage.HEADER_LENGTH)
                    .sum();
            if (read > most) {
                throw new UnreadableRulesException("the pod's tables, addresses or routes exceed the size limit:"
                        + " netlink lists more than " + (most >> 10) + " KiB of them");
            }
            if (read > OutputBudget.FREE) {
                ChildProcess.takeRoom();
            }
        }
        if (lost || dump.interrupted()) {
            return Optional.empty();
        }
        dump.error().ifPresent(error -> {
            throw refused("reading through netlink", error);
        });
        return Optional.of(dump.replies());
    }

    private NetlinkReply answer(NetlinkMessage request) {
        send(request);
        while (true) {
            for (NetlinkReply reply : receiveOrLost(false)
                    .orElseThrow(() -> new RedirectException("the kernel's answer to a netlink request was lost"))) {
                if (reply.sequence() == sequence && !reply.isNoop()) {
                    return reply;
                }
            }
        }
    }

    private void send(NetlinkMessage request) {
        send(request.encode(++sequence));
    }

    private void send(byte[] bytes) {
        long count = LibC.send(fd, bytes, bytes.length, 0);
        while (count < 0 && LibC.errno() == LibC.EINTR) {
            count = LibC.send(fd, bytes, bytes.length, 0);
        }
        if (count != bytes.length) {
            throw LibC.failure("sending a netlink request");
        }
    }

    /**
     * The messages of one datagram; empty if some were lost because there was no room for them, or none is there and
     * nobody waits.
     */
    private Optional<List<NetlinkReply>> receiveOrLost(boolean withoutWaiting) {
        int flags = LibC.MSG_TRUNC | (withoutWaiting ? LibC.MSG_DONTWAIT : 0);
        long count = LibC.recv(fd, received, RECEIVE_LENGTH, flags);
        while (count < 0 && LibC.errno() == LibC.EINTR) {
            count = LibC.recv(fd, received, RECEIVE_LENGTH, flags);
        }
        if (count < 0 && (LibC.errno() == ENOBUFS || (withoutWaiting && LibC.errno() == LibC.EAGAIN))) {
            return Optional.empty();
        }
        if (count < NetlinkMessage.HEADER_LENGTH) {
            throw LibC.failure("receiving a netlink answer");
        }
        if (count > RECEIVE_LENGTH) {
            throw new UnreadableRulesException(
                    "a netlink answer of " + count + " bytes is longer than any that is read");
        }
        try {
            return Optional.of(NetlinkReply.split(received.getByteArray(0, (int) count)));
        } catch (NetlinkException e) {
            throw new RedirectException("the kernel's answer cannot be read: " + e.getMessage(), e);
        }
    }

    /** A batch that failed may have left further messages about itself. */
    private void discardAnswers() {
        while (LibC.recv(fd, received, RECEIVE_LENGTH, LibC.MSG_DONTWAIT) >= 0 || LibC.errno() == ENOBUFS) {
            // The next one.
        }
    }

    private boolean option(int level, int option, int value) {
        byte[] bytes = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
        return LibC.setsockopt(fd, level, option, bytes, bytes.length) == 0;
    }
}
