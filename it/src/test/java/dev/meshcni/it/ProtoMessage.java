// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.grpc.MethodDescriptor.Marshaller;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A protocol buffers message by the numbers of its fields: for a few calls of an interface as wide as CRI this is less
 * than its generated code. A field that is absent reads as empty, as in proto3.
 */
final class ProtoMessage {
    /** The messages of gRPC calls are marshalled as they are. */
    static final Marshaller<ProtoMessage> MARSHALLER = new Marshaller<>() {
        @Override
        public InputStream stream(ProtoMessage message) {
            return message.bytes().newInput();
        }

        @Override
        public ProtoMessage parse(InputStream stream) {
            try {
                return new ProtoMessage(UnknownFieldSet.parseFrom(stream));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };

    private final UnknownFieldSet fields;

    private ProtoMessage(UnknownFieldSet fields) {
        this.fields = fields;
    }

    static ProtoMessage empty() {
        return new ProtoMessage(UnknownFieldSet.getDefaultInstance());
    }

    /** This message and a string or a repeated string's next element. */
    ProtoMessage with(int field, String value) {
        return with(field, ByteString.copyFromUtf8(value));
    }

    /** This message and an embedded one, or a repeated one's next element. */
    ProtoMessage with(int field, ProtoMessage value) {
        return with(field, value.bytes());
    }

    /** This message and a number, a boolean as 0 or 1, or an enumeration's number. */
    ProtoMessage with(int field, long value) {
        UnknownFieldSet.Field number =
                UnknownFieldSet.Field.newBuilder().addVarint(value).build();
        return new ProtoMessage(fields.toBuilder().mergeField(field, number).build());
    }

    /** This message and all elements of a repeated string. */
    ProtoMessage with(int field, List<String> values) {
        ProtoMessage message = this;
        for (String value : values) {
            message = message.with(field, value);
        }
        return message;
    }

    /** This message and all entries of a map of strings. */
    ProtoMessage with(int field, Map<String, String> values) {
        ProtoMessage message = this;
        for (Map.Entry<String, String> entry : values.entrySet()) {
            message = message.with(field, empty().with(1, entry.getKey()).with(2, entry.getValue()));
        }
        return message;
    }

    String string(int field) {
        List<ByteString> values = fields.getField(field).getLengthDelimitedList();
        return values.isEmpty() ? "" : values.getLast().toStringUtf8();
    }

    long number(int field) {
        List<Long> values = fields.getField(field).getVarintList();
        return values.isEmpty() ? 0 : values.getLast();
    }

    ProtoMessage message(int field) {
        List<ProtoMessage> values = messages(field);
        return values.isEmpty() ? empty() : values.getLast();
    }

    List<ProtoMessage> messages(int field) {
        return fields.getField(field).getLengthDelimitedList().stream()
                .map(value -> MARSHALLER.parse(value.newInput()))
                .toList();
    }

    Map<String, String> map(int field) {
        Map<String, String> map = new LinkedHashMap<>();
        messages(field).forEach(entry -> map.put(entry.string(1), entry.string(2)));
        return map;
    }

    private ProtoMessage with(int field, ByteString value) {
        return new ProtoMessage(
                fields.toBuilder().mergeLengthDelimitedField(field, value).build());
    }

    private ByteString bytes() {
        return fields.toByteString();
    }
}
