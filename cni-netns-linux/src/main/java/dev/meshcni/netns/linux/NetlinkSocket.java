package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection to one of the kernel's netlink services ({@code netlink(7)}), in the network namespace of the thread that
 * opens it. For one thread.
 */
final class NetlinkSocket implements AutoCloseable {
    static final int ROUTE = 0;
    static final int NETFILTER = 12;

    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int NLMSG_NOOP = 1;
    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;

    /** The kernel answers at once; this only bounds the wait should it never do. */
    private static final long ANSWER_SECONDS = 5;

    /** In bytes: what is read of one listing. A pod has some ten tables, chains, addresses and routes; each takes some ten bytes. */
    private static final int MAX_DUMP = 1 << 20;

    private static final int RECEIVE_LENGTH = 32768;

    private final int fd;
    private int sequence;

    NetlinkSocket(int service) {
        this.fd = LibC.check(LibC.socket(AF_NETLINK, SOCK_RAW | LibC.O_CLOEXEC, service), "opening a netlink socket");
        byte[] timeval = ByteBuffer.allocate(16)
                .order(ByteOrder.nativeOrder())
                .putLong(ANSWER_SECONDS)
                .array();
        LibC.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length);
    }

    int fd() {
        return fd;
    }

    /**
     * Sends a request and waits until the kernel has carried it out.
     *
     * @return 0, or the error number that it failed with
     */
    int execute(NetlinkMessage request) {
        send(request);
        ByteBuffer answer = receive();
        int type = type(answer);
        if (type != NLMSG_ERROR) {
            throw new RedirectException("unexpected netlink message type " + type);
        }
        return -answer.getInt(NetlinkMessage.HEADER_LENGTH);
    }

    /** Sends a request for one thing; the body of the message that answers it. */
    ByteBuffer ask(NetlinkMessage request) {
        send(request);
        ByteBuffer answer = receive();
        while (sequence(answer) != sequence) {
            answer = receive();
        }
        if (type(answer) == NLMSG_ERROR) {
            throw LibC.failure("reading through netlink", -answer.getInt(NetlinkMessage.HEADER_LENGTH));
        }
        return answer.slice(NetlinkMessage.HEADER_LENGTH, answer.getInt(0) - NetlinkMessage.HEADER_LENGTH)
                .order(ByteOrder.nativeOrder());
    }

    /**
     * Sends a batch of netfilter requests, which the kernel carries out as a whole or not at all.
     *
     * @param acknowledged how many of the requests ask for an acknowledgement
     * @return whether it has carried it out
     */
    boolean executeAll(List<NetlinkMessage> batch, int acknowledged) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        batch.forEach(request -> bytes.writeBytes(request.encode(++sequence)));
        send(bytes.toByteArray());
        int done = 0;
        while (done < acknowledged) {
            ByteBuffer answer = receive();
            while (answer.remaining() >= NetlinkMessage.HEADER_LENGTH) {
                int start = answer.position();
                if (type(answer) != NLMSG_ERROR || answer.getInt(start + NetlinkMessage.HEADER_LENGTH) != 0) {
                    return false;
                }
                done++;
                answer.position(Math.min(answer.limit(), start + (answer.getInt(start) + 3 & ~3)));
            }
        }
        return true;
    }

    /** Sends a request for a list; the bodies of the messages that answer it, without their headers. */
    List<ByteBuffer> dump(NetlinkMessage request) {
        send(request);
        List<ByteBuffer> bodies = new ArrayList<>();
        int read = 0;
        while (true) {
            ByteBuffer answer = receive();
            read += answer.remaining();
            if (read > MAX_DUMP) {
                throw new UnreadableRulesException("the pod's tables, addresses or routes exceed the size limit:"
                        + " netlink lists more than " + (MAX_DUMP >> 10) + " KiB of them");
            }
            while (answer.remaining() >= NetlinkMessage.HEADER_LENGTH) {
                int start = answer.position();
                int length = answer.getInt(start);
                // A batch that failed may have left further messages about itself.
                int about = sequence(answer) == sequence ? type(answer) : NLMSG_NOOP;
                switch (about) {
                    case NLMSG_NOOP -> {}
                    case NLMSG_DONE -> {
                        return bodies;
                    }
                    case NLMSG_ERROR ->
                        throw LibC.failure(
                                "reading through netlink", -answer.getInt(start + NetlinkMessage.HEADER_LENGTH));
                    default ->
                        bodies.add(answer.slice(
                                        start + NetlinkMessage.HEADER_LENGTH, length - NetlinkMessage.HEADER_LENGTH)
                                .order(ByteOrder.nativeOrder()));
                }
                answer.position(Math.min(answer.limit(), start + (length + 3 & ~3)));
            }
        }
    }

    @Override
    public void close() {
        LibC.close(fd);
    }

    private static int sequence(ByteBuffer message) {
        return message.getInt(message.position() + 8);
    }

    private static int type(ByteBuffer message) {
        return message.getShort(message.position() + 4);
    }

    private void send(NetlinkMessage request) {
        send(request.encode(++sequence));
    }

    private void send(byte[] bytes) {
        if (LibC.send(fd, bytes, bytes.length, 0) != bytes.length) {
            throw LibC.failure("sending a netlink request");
        }
    }

    private ByteBuffer receive() {
        byte[] bytes = new byte[RECEIVE_LENGTH];
        long count = LibC.recv(fd, bytes, bytes.length, 0);
        while (count < 0 && LibC.errno() == LibC.EINTR) {
            count = LibC.recv(fd, bytes, bytes.length, 0);
        }
        if (count < NetlinkMessage.HEADER_LENGTH) {
            throw LibC.failure("receiving a netlink answer");
        }
        return ByteBuffer.wrap(bytes, 0, (int) count).order(ByteOrder.nativeOrder());
    }
}
