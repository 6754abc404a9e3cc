// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel.testkit;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.OneofDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;

/** The messages of ZDS, as protobuf's own library reads and writes them: the other opinion on their bytes. */
public final class ZdsSchema {
    private static final FileDescriptor FILE = file();

    public static final Descriptor HELLO = FILE.findMessageTypeByName("ZdsHello");
    public static final Descriptor REQUEST = FILE.findMessageTypeByName("WorkloadRequest");
    public static final Descriptor ADD = FILE.findMessageTypeByName("AddWorkload");
    public static final Descriptor INFO = FILE.findMessageTypeByName("WorkloadInfo");
    public static final Descriptor DEL = FILE.findMessageTypeByName("DelWorkload");
    public static final Descriptor KEEP = FILE.findMessageTypeByName("KeepWorkload");
    public static final Descriptor RESPONSE = FILE.findMessageTypeByName("WorkloadResponse");
    public static final Descriptor ACK = FILE.findMessageTypeByName("Ack");

    private ZdsSchema() {}

    public static DynamicMessage read(Descriptor type, byte[] bytes) throws InvalidProtocolBufferException {
        return DynamicMessage.parseFrom(type, bytes);
    }

    public static DynamicMessage of(Descriptor type, String field, Object value) {
        return DynamicMessage.newBuilder(type)
                .setField(type.findFieldByName(field), value)
                .build();
    }

    /** {@code ZdsHello} with the number of a version, known or not. */
    public static byte[] hello(int version) {
        return of(
                        HELLO,
                        "version",
                        HELLO.findFieldByName("version").getEnumType().findValueByNumberCreatingIfUnknown(version))
                .toByteArray();
    }

    /** {@code WorkloadResponse} with an {@code Ack}; without an error, success. */
    public static byte[] ack(String error) {
        return of(RESPONSE, "ack", of(ACK, "error", error)).toByteArray();
    }

    public static Message message(Message message, String field) {
        return (Message) message.getField(message.getDescriptorForType().findFieldByName(field));
    }

    public static String text(Message message, String field) {
        return (String) message.getField(message.getDescriptorForType().findFieldByName(field));
    }

    private static FileDescriptor file() {
        FileDescriptorProto proto = FileDescriptorProto.newBuilder()
                .setName("zds.proto")
                .setPackage("istio.workload.zds")
                .setSyntax("proto3")
                .addEnumType(EnumDescriptorProto.newBuilder()
                        .setName("Version")
                        .addValue(EnumValueDescriptorProto.newBuilder()
                                .setName("NOT_USED")
                                .setNumber(0))
                        .addValue(EnumValueDescriptorProto.newBuilder()
                                .setName("V1")
                                .setNumber(1)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("ZdsHello")
                        .addField(field("version", 1, FieldDescriptorProto.Type.TYPE_ENUM)
                                .setTypeName("Version")))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("WorkloadInfo")
                        .addField(field("name", 1, FieldDescriptorProto.Type.TYPE_STRING))
                        .addField(field("namespace", 2, FieldDescriptorProto.Type.TYPE_STRING))
                        .addField(field("service_account", 3, FieldDescriptorProto.Type.TYPE_STRING)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("AddWorkload")
                        .addField(field("uid", 1, FieldDescriptorProto.Type.TYPE_STRING))
                        .addField(nested("workload_info", 2, "WorkloadInfo")))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("KeepWorkload")
                        .addField(field("uid", 1, FieldDescriptorProto.Type.TYPE_STRING)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("DelWorkload")
                        .addField(field("uid", 2, FieldDescriptorProto.Type.TYPE_STRING)))
                .addMessageType(DescriptorProto.newBuilder().setName("SnapshotSent"))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("WorkloadRequest")
                        .addOneofDecl(OneofDescriptorProto.newBuilder().setName("payload"))
                        .addField(nested("add", 1, "AddWorkload").setOneofIndex(0))
                        .addField(nested("del", 2, "DelWorkload").setOneofIndex(0))
                        .addField(nested("snapshot_sent", 3, "SnapshotSent").setOneofIndex(0))
                        .addField(nested("keep", 5, "KeepWorkload").setOneofIndex(0)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("Ack")
                        .addField(field("error", 1, FieldDescriptorProto.Type.TYPE_STRING)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("WorkloadResponse")
                        .addOneofDecl(OneofDescriptorProto.newBuilder().setName("payload"))
                        .addField(nested("ack", 1, "Ack").setOneofIndex(0)))
                .build();
        try {
            return FileDescriptor.buildFrom(proto, new FileDescriptor[0]);
        } catch (DescriptorValidationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static FieldDescriptorProto.Builder field(String name, int number, FieldDescriptorProto.Type type) {
        return FieldDescriptorProto.newBuilder()
                .setName(name)
                .setNumber(number)
                .setType(type)
                .setLabel(FieldDescriptorProto.Label.LABEL_OPTIONAL);
    }

    private static FieldDescriptorProto.Builder nested(String name, int number, String type) {
        return field(name, number, FieldDescriptorProto.Type.TYPE_MESSAGE).setTypeName(type);
    }
}
