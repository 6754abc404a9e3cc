// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import dev.meshcni.libc.Packet;
import dev.meshcni.libc.PacketSocket;
import dev.meshcni.libc.ReceivedDescriptor;
import dev.meshcni.libc.Wakeup;
import java.nio.file.Path;
import java.time.Duration;

/** A ztunnel that says yes to everything at once, and does nothing: what it takes beside it is the agent's own. */
final class PromptZtunnel implements AutoCloseable {
    private static final Duration FOREVER = Duration.ofHours(1);

    /** {@code ZdsHello} of version 1, and {@code WorkloadResponse} with an {@code Ack} without an error. */
    private static final byte[] HELLO = {8, 1};

    private static final byte[] ACKNOWLEDGEMENT = {10, 0};

    private final Wakeup wakeup = new Wakeup();
    private final Thread thread;

    private PromptZtunnel(PacketSocket socket) {
        this.thread = Thread.ofPlatform().daemon().name("ztunnel").unstarted(() -> {
            try (socket) {
                answer(socket);
            }
        });
    }

    static PromptZtunnel connect(Path path) {
        PacketSocket socket = PacketSocket.connect(path);
        socket.send(HELLO);
        PromptZtunnel ztunnel = new PromptZtunnel(socket);
        ztunnel.thread.start();
        return ztunnel;
    }

    @Override
    public void close() {
        wakeup.signal();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        wakeup.close();
    }

    private void answer(PacketSocket socket) {
        while (socket.await(wakeup, FOREVER)) {
            Packet packet = socket.receive(1).orElseThrow();
            packet.descriptors().forEach(ReceivedDescriptor::close);
            if (packet.isEnd()) {
                return;
            }
            socket.send(ACKNOWLEDGEMENT);
        }
    }
}
