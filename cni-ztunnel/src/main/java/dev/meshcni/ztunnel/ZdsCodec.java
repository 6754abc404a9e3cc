// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

/**
 * The messages of ZDS as bytes: protobuf, package {@code istio.workload.zds} ({@code proto/zds.proto} of ztunnel), one
 * message a packet without a length before it. Fields by their numbers:
 *
 * <pre>{@code
 * ZdsHello          1 version (enum: 0 NOT_USED, 1 V1)
 * WorkloadRequest   oneof 1 add | 2 del | 3 snapshot_sent | 5 keep
 *   AddWorkload     1 uid, 2 workload_info (1 name, 2 namespace, 3 service_account)
 *   DelWorkload     2 uid
 *   KeepWorkload    1 uid
 *   SnapshotSent    (empty)
 * WorkloadResponse  oneof 1 ack (1 error, empty: success)
 * }</pre>
 *
 * <p>Written by hand: nine messages of strings are no reason for a library of 1.8 MB in the agent.
 */
final class ZdsCodec {
    /** In bytes: ztunnel reads no more of a packet, and takes a longer one for an error. */
    static final int MAX_REQUEST = 1024;

    private ZdsCodec() {}

    /**
     * A request as bytes.
     *
     * @throws ZdsException if it is longer than ztunnel reads
     */
    static byte[] encode(ZdsRequest request) {
        WireWriter message = switch (request) {
            case ZdsRequest.Add(String uid, WorkloadInfo info) ->
                new WireWriter()
                        .message(
                                1,
                                new WireWriter()
                                        .string(1, uid)
                                        .message(
                                                2,
                                                new WireWriter()
                                                        .string(1, info.name())
                                                        .string(2, info.namespace())
                                                        .string(3, info.serviceAccount())));
            case ZdsRequest.Del(String uid) -> new WireWriter().message(2, new WireWriter().string(2, uid));
            case ZdsRequest.SnapshotSent() -> new WireWriter().message(3, new WireWriter());
            case ZdsRequest.Keep(String uid) -> new WireWriter().message(5, new WireWriter().string(1, uid));
        };
        byte[] bytes = message.toBytes();
        if (bytes.length > MAX_REQUEST) {
            throw new ZdsException("the " + request + " has " + bytes.length + " bytes; ztunnel reads at most "
                    + MAX_REQUEST + " of a message");
        }
        return bytes;
    }

    /**
     * The version in ztunnel's first message, {@code ZdsHello}.
     *
     * @return 1 for what is spoken here; 0 where the message names none, as any other message does
     * @throws ZdsException if it is no protobuf message
     */
    static int hello(byte[] message) {
        WireReader reader = new WireReader(message);
        int version = 0;
        while (reader.next()) {
            if (reader.is(1, WireReader.VARINT)) {
                version = (int) reader.varint();
            } else {
                reader.skip();
            }
        }
        return version;
    }

    /**
     * The error in an answer of ztunnel, {@code WorkloadResponse}.
     *
     * @return the error, empty for success
     * @throws ZdsException if it is no protobuf message, or acknowledges nothing
     */
    static String acknowledgement(byte[] message) {
        WireReader reader = new WireReader(message);
        boolean acknowledged = false;
        String error = "";
        while (reader.next()) {
            if (reader.is(1, WireReader.LENGTH_DELIMITED)) {
                acknowledged = true;
                WireReader ack = reader.message();
                while (ack.next()) {
                    if (ack.is(1, WireReader.LENGTH_DELIMITED)) {
                        error = ack.string();
                    } else {
                        ack.skip();
                    }
                }
            } else {
                reader.skip();
            }
        }
        if (!acknowledged) {
            throw new ZdsException("an answer of " + message.length + " bytes acknowledges nothing");
        }
        return error;
    }
}
