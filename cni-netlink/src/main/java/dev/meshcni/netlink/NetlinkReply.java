// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A message from the kernel ({@code netlink(7)}).
 *
 * @param type the message type
 * @param flags the flags
 * @param sequence the number of the request that it answers
 * @param body what follows the header
 */
public record NetlinkReply(int type, int flags, int sequence, Octets body) {
    /** {@code NLMSG_NOOP}. */
    private static final int NOOP = 1;

    /** {@code NLMSG_ERROR}. */
    private static final int ERROR = 2;

    /** {@code NLMSG_DONE}. */
    private static final int DONE = 3;

    /** {@code NLM_F_DUMP_INTR}: what is listed has changed meanwhile. */
    private static final int DUMP_INTERRUPTED = 0x10;

    /** {@code NLM_F_CAPPED}: the request is not repeated behind its header. */
    private static final int CAPPED = 0x100;

    /** {@code NLM_F_ACK_TLVS}: attributes say more about the error. */
    private static final int ACK_TLVS = 0x200;

    private static final int ATTR_MSG = 1;
    private static final int ATTR_OFFS = 2;

    /**
     * The messages of one datagram.
     *
     * @throws NetlinkException if one is cut off, as by a buffer that was too small
     */
    public static List<NetlinkReply> split(ByteBuffer datagram) {
        byte[] bytes = new byte[datagram.remaining()];
        datagram.duplicate().get(bytes);
        return split(bytes);
    }

    /**
     * The messages of one datagram, whose bytes they keep.
     *
     * @param datagram will not be changed
     * @throws NetlinkException if one is cut off, as by a buffer that was too small
     */
    public static List<NetlinkReply> split(byte[] datagram) {
        Octets whole = Octets.wrap(datagram);
        ByteBuffer rest = ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder());
        List<NetlinkReply> replies = new ArrayList<>();
        while (rest.remaining() >= NetlinkMessage.HEADER_LENGTH) {
            int start = rest.position();
            int length = rest.getInt();
            if (length < NetlinkMessage.HEADER_LENGTH || length > rest.limit() - start) {
                throw new NetlinkException("a message with a length of " + length + " is cut off");
            }
            int type = Short.toUnsignedInt(rest.getShort());
            int flags = Short.toUnsignedInt(rest.getShort());
            int sequence = rest.getInt();
            Octets body = whole.slice(start + NetlinkMessage.HEADER_LENGTH, length - NetlinkMessage.HEADER_LENGTH);
            replies.add(new NetlinkReply(type, flags, sequence, body));
            rest.position(Math.min(rest.limit(), start + (length + 3 & ~3)));
        }
        return replies;
    }

    /** Returns whether it says nothing. */
    public boolean isNoop() {
        return type == NOOP;
    }

    /** Returns whether it ends a list. */
    public boolean isDone() {
        return type == DONE;
    }

    /** Returns whether it acknowledges a request that was carried out. */
    public boolean isAck() {
        return type == ERROR && errno() == 0;
    }

    /**
     * Returns whether the list that it belongs to is inconsistent ({@code NLM_F_DUMP_INTR}) and has to be requested
     * again.
     */
    public boolean interrupted() {
        return (flags & DUMP_INTERRUPTED) != 0;
    }

    /** The error that it tells; also the one with which a list ends. */
    public Optional<KernelError> error() {
        boolean carriesNumber = type == ERROR || (type == DONE && body.length() >= Integer.BYTES);
        if (!carriesNumber || errno() == 0) {
            return Optional.empty();
        }
        Attributes more = type == ERROR ? more() : Attributes.parse(Octets.NONE);
        return Optional.of(new KernelError(
                sequence, errno(), more.string(ATTR_MSG), more.u32(ATTR_OFFS).orElse(0)));
    }

    /** The attributes behind a structure of so many bytes. */
    public Attributes attributes(int structureLength) {
        if (body.length() < structureLength) {
            throw new NetlinkException("a message of type " + type + " with a body of " + body.length() + " bytes");
        }
        return Attributes.parse(body.slice(structureLength, body.length() - structureLength));
    }

    private int errno() {
        if (body.length() < Integer.BYTES) {
            throw new NetlinkException("an answer of " + body.length() + " bytes without an error number");
        }
        return -body.u32();
    }

    /** Behind the error number stands the header of the request, or all of it. */
    private Attributes more() {
        int repeated = Integer.BYTES + NetlinkMessage.HEADER_LENGTH;
        if ((flags & ACK_TLVS) == 0 || body.length() < repeated) {
            return Attributes.parse(Octets.NONE);
        }
        int request = body.buffer().getInt(Integer.BYTES);
        int start = (flags & CAPPED) == 0 ? Integer.BYTES + (request + 3 & ~3) : repeated;
        return start > body.length() || start < 0 ? Attributes.parse(Octets.NONE) : attributes(start);
    }
}
