// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.api.exec.PluginDelegate;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A plugin that makes an interface in the pod that leads nowhere, with the addresses of the IPAM plugin. */
public final class DummyInterface implements CniPlugin {
    private DummyInterface() {}

    /** Serves a call. */
    public static void main(String[] args) {
        CniPlugin.run(new DummyInterface());
    }

    @Override
    public CniResult add(CniRequest request) {
        String name = request.environment().ifName();
        return PluginDelegate.ipam(request).addThen(assigned -> {
            inPod(request, "link", "add", name, "type", "veth", "peer", "name", name + "-end");
            inPod(request, "link", "set", name, "up");
            assigned.ips()
                    .forEach(ip -> inPod(request, "address", "add", ip.address().toString(), "dev", name));
            return assigned.withInterfaces(List.of(CniResult.Interface.ofSandbox(
                            name, request.environment().netns())))
                    .withIpsOn(0);
        });
    }

    @Override
    public void check(CniRequest request) {
        PluginDelegate.ipam(request).check();
        inPod(request, "link", "show", "dev", request.environment().ifName());
    }

    @Override
    public void del(CniRequest request) {
        PluginDelegate.ipam(request).del();
        if (!request.environment().netns().isEmpty()) {
            inPod(request, "link", "delete", request.environment().ifName());
        }
    }

    private static void inPod(CniRequest request, String... arguments) {
        List<String> command = new ArrayList<>(
                List.of("nsenter", "--net=" + request.environment().netns(), "ip"));
        command.addAll(List.of(arguments));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), UTF_8);
            if (process.waitFor() != 0) {
                throw new CniException(ErrorCode.INTERNAL, String.join(" ", command) + ": " + output.strip(), "");
            }
        } catch (IOException e) {
            throw new CniException(ErrorCode.IO_FAILURE, "cannot start " + command.getFirst(), e.toString(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CniException(ErrorCode.TRY_AGAIN_LATER, "interrupted", "", e);
        }
    }
}
