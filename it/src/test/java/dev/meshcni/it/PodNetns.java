// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A pod's namespace; the world beyond it, a namespace that owns every address there is; and a guest, a namespace for
 * which the pod is the way out, as a virtual machine in a pod is.
 *
 * <pre>
 *   pod  eth0 10.244.7.2/24, fd00:10:244:7::2/64 ---- 10.244.7.1, fd00:10:244:7::1  beyond, and any other address
 *        net1 10.245.7.2/24, fd00:10:245:7::2/64 ---- 10.245.7.1, fd00:10:245:7::1  guest
 * </pre>
 *
 * <p>Routes to any address exist only here, so nothing that a test sends can reach a network.
 */
final class PodNetns implements AutoCloseable {
    static final String ADDRESS = "10.244.7.2";
    static final String ADDRESS_V6 = "fd00:10:244:7::2";
    static final String GATEWAY = "10.244.7.1";
    static final String GATEWAY_V6 = "fd00:10:244:7::1";
    static final String GUEST_SIDE = "10.245.7.2";
    static final String GUEST_SIDE_V6 = "fd00:10:245:7::2";
    static final String GUEST = "10.245.7.1";
    static final String GUEST_V6 = "fd00:10:245:7::1";

    private final Arrivals arrivals = new Arrivals();
    private final List<ProbeServer> servers = new ArrayList<>();
    private final Netns pod;
    private final Netns beyond;
    private final Netns guest;

    private PodNetns(Netns pod, Netns beyond, Netns guest) {
        this.pod = pod;
        this.beyond = beyond;
        this.guest = guest;
    }

    static PodNetns create() {
        PodNetns world = new PodNetns(Netns.create("pod"), Netns.create("beyond"), Netns.create("guest"));
        try {
            world.wire();
            return world;
        } catch (RuntimeException e) {
            world.close();
            throw e;
        }
    }

    Netns pod() {
        return pod;
    }

    Netns beyond() {
        return beyond;
    }

    /** Listens in the pod on these ports. */
    void listenInside(String name, Owner owner, Collection<Integer> ports) {
        servers.add(ProbeServer.start(name, arrivals, pod, owner, ports));
    }

    /** Listens in the world beyond, on every address, on these ports. */
    void listenBeyond(String name, Collection<Integer> ports) {
        servers.add(ProbeServer.start(name, arrivals, beyond, Owner.ROOT, ports));
    }

    /** Sends from within the pod. */
    ProbeSender inside() {
        return new ProbeSender(pod, arrivals);
    }

    /** Sends from the world beyond. */
    ProbeSender outside() {
        return new ProbeSender(beyond, arrivals);
    }

    /** Sends from the guest. */
    ProbeSender guest() {
        return new ProbeSender(guest, arrivals);
    }

    @Override
    public void close() {
        try (beyond;
                guest;
                pod) {
            servers.forEach(ProbeServer::close);
        }
    }

    private void wire() {
        pod.connect(
                "eth0",
                List.of(ADDRESS + "/24", ADDRESS_V6 + "/64"),
                beyond,
                "eth0",
                List.of(GATEWAY + "/24", GATEWAY_V6 + "/64"));
        pod.connect(
                "net1",
                List.of(GUEST_SIDE + "/24", GUEST_SIDE_V6 + "/64"),
                guest,
                "eth0",
                List.of(GUEST + "/24", GUEST_V6 + "/64"));
        guest.ip("route add default via " + GUEST_SIDE, "route add ::/0 via " + GUEST_SIDE_V6);
        pod.ip("route add default via " + GATEWAY, "route add ::/0 via " + GATEWAY_V6);
        beyond.claimAllAddresses();
    }
}
