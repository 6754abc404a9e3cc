// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodIP;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** A cluster with a mesh of ztunnel, and a namespace for a client and a server with identities of their own. */
abstract class AmbientFixture {
    static final String CLIENT = "client";
    static final String SERVER = "server";

    static AmbientMesh mesh;

    final Cluster cluster;
    final Installation installation;

    TestNamespace shop;

    AmbientFixture(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @BeforeAll
    static void install(Cluster cluster) {
        mesh = AmbientMesh.install(cluster);
    }

    @AfterAll
    static void remove(Cluster cluster) {
        if (mesh != null) {
            cluster.installation().remove();
            mesh.close();
        }
    }

    @AfterEach
    void end() {
        if (shop != null) {
            shop.close();
        }
    }

    /** Waits until pods can join the mesh, and makes the namespace. */
    final void open(String purpose) {
        installation.ensure(Installation.manifest(AmbientMesh.SETTINGS));
        mesh.awaitReady();
        shop = TestNamespace.create(cluster, purpose);
        shop.createAccount(CLIENT);
        shop.createAccount(SERVER);
    }

    /** Has the pods of the namespace join. */
    final void label() {
        shop.label(AmbientMesh.MODE, AmbientMesh.AMBIENT);
    }

    static List<String> addresses(Pod pod) {
        return pod.getStatus().getPodIPs().stream().map(PodIP::getIp).toList();
    }
}
