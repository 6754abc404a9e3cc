// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.stub.ClientCalls;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * The Container Runtime Interface as the kubelet uses it: {@code runtime.v1.RuntimeService} over a UNIX socket. A call
 * that the runtime refuses throws {@link io.grpc.StatusRuntimeException}.
 */
final class CriClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** NamespaceMode: each container has a process namespace of its own. */
    private static final int CONTAINER = 1;

    private final EventLoopGroup eventLoop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final ManagedChannel channel;
    private final Duration deadline;

    CriClient(Path socket, Duration deadline) {
        this.deadline = deadline;
        this.channel = NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .eventLoopGroup(eventLoop)
                .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
                .overrideAuthority("localhost")
                .usePlaintext()
                .build();
    }

    /**
     * A sandbox to run.
     *
     * @param cgroupParent the cgroup under which the runtime makes its own
     */
    record Sandbox(String namespace, String name, String uid, Map<String, String> annotations, String cgroupParent) {
        private ProtoMessage message() {
            ProtoMessage metadata =
                    ProtoMessage.empty().with(1, name).with(2, uid).with(3, namespace);
            ProtoMessage modes = ProtoMessage.empty().with(2, CONTAINER);
            ProtoMessage linux = ProtoMessage.empty()
                    .with(1, cgroupParent)
                    .with(2, ProtoMessage.empty().with(1, modes));
            return ProtoMessage.empty()
                    .with(1, metadata)
                    .with(2, name)
                    .with(7, annotations)
                    .with(8, linux);
        }
    }

    /** What the runtime tells about a sandbox: its first address and the file of its network namespace. */
    record SandboxStatus(boolean ready, String address, Path netns) {}

    /** The output of a command in a container. */
    record ExecResult(String out, String err, int exitCode) {}

    /** Name and version of the runtime. */
    String version() {
        ProtoMessage answer = call("Version", ProtoMessage.empty());
        return answer.string(2) + " " + answer.string(3);
    }

    /** Why each condition of the runtime (RuntimeReady, NetworkReady) is not met; empty when all are. */
    Map<String, String> unmetConditions() {
        return call("Status", ProtoMessage.empty()).message(1).messages(1).stream()
                .filter(condition -> condition.number(2) == 0)
                .collect(Collectors.toMap(condition -> condition.string(1), condition -> condition.string(4)));
    }

    /**
     * The networks that the runtime has loaded, each with its name and plugins, as JSON of containerd's own; the one
     * for its own loopback interface is among them.
     */
    JsonNode networks() {
        try {
            return JSON.readTree(information().getOrDefault("cniconfig", "{}")).path("Networks");
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * How the runtime's last attempt to load its network configuration ended: OK, or the error, in containerd's words.
     */
    String lastLoad() {
        return information().getOrDefault("lastCNILoadStatus", "");
    }

    /** Makes a sandbox with its network, and returns its id. */
    String run(Sandbox sandbox) {
        return call("RunPodSandbox", ProtoMessage.empty().with(1, sandbox.message()))
                .string(1);
    }

    SandboxStatus status(String sandboxId) {
        ProtoMessage answer =
                call("PodSandboxStatus", ProtoMessage.empty().with(1, sandboxId).with(2, 1));
        ProtoMessage status = answer.message(1);
        String address = status.message(5).string(1);
        return new SandboxStatus(
                status.number(3) == 0, address, netns(answer.map(2).get("info")));
    }

    /** Makes and starts a container that runs a command as a user, and returns its id. */
    String start(String sandboxId, Sandbox sandbox, String image, long uid, List<String> command) {
        ProtoMessage securityContext =
                ProtoMessage.empty().with(5, ProtoMessage.empty().with(1, uid));
        ProtoMessage config = ProtoMessage.empty()
                .with(1, ProtoMessage.empty().with(1, "app"))
                .with(2, ProtoMessage.empty().with(1, image))
                .with(3, command)
                .with(15, ProtoMessage.empty().with(2, securityContext));
        ProtoMessage request =
                ProtoMessage.empty().with(1, sandboxId).with(2, config).with(3, sandbox.message());
        String id = call("CreateContainer", request).string(1);
        call("StartContainer", ProtoMessage.empty().with(1, id));
        return id;
    }

    /** Runs a command in a container to its end. */
    ExecResult exec(String containerId, String... command) {
        ProtoMessage answer = call(
                "ExecSync",
                ProtoMessage.empty()
                        .with(1, containerId)
                        .with(2, List.of(command))
                        .with(3, 20));
        return new ExecResult(answer.string(1), answer.string(2), (int) answer.number(3));
    }

    /** The ids of all sandboxes, ready or not. */
    List<String> sandboxes() {
        return call("ListPodSandbox", ProtoMessage.empty()).messages(1).stream()
                .map(item -> item.string(1))
                .toList();
    }

    void stop(String sandboxId) {
        call("StopPodSandbox", ProtoMessage.empty().with(1, sandboxId));
    }

    void remove(String sandboxId) {
        call("RemovePodSandbox", ProtoMessage.empty().with(1, sandboxId));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        eventLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
    }

    private Map<String, String> information() {
        return call("Status", ProtoMessage.empty().with(1, 1)).map(2);
    }

    private ProtoMessage call(String method, ProtoMessage request) {
        MethodDescriptor<ProtoMessage, ProtoMessage> descriptor =
                MethodDescriptor.<ProtoMessage, ProtoMessage>newBuilder()
                        .setType(MethodType.UNARY)
                        .setFullMethodName(MethodDescriptor.generateFullMethodName("runtime.v1.RuntimeService", method))
                        .setRequestMarshaller(ProtoMessage.MARSHALLER)
                        .setResponseMarshaller(ProtoMessage.MARSHALLER)
                        .build();
        CallOptions options =
                CallOptions.DEFAULT.withWaitForReady().withDeadlineAfter(deadline.toMillis(), TimeUnit.MILLISECONDS);
        return ClientCalls.blockingUnaryCall(channel, descriptor, options, request);
    }

    /** The verbose status is JSON of the runtime's own; containerd and CRI-O both show the OCI spec in it. */
    private static Path netns(String info) {
        try {
            JsonNode namespaces = JSON.readTree(info).at("/runtimeSpec/linux/namespaces");
            return StreamSupport.stream(namespaces.spliterator(), false)
                    .filter(namespace -> namespace.path("type").asText().equals("network"))
                    .map(namespace -> Path.of(namespace.path("path").asText()))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("no network namespace in " + info));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
