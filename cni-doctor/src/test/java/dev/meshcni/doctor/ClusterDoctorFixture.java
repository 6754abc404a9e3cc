// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.testkit.FakeApiServer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster on a fake API server, and {@code meshcni doctor --cluster} to look at it, for each test anew. */
@Timeout(60)
abstract class ClusterDoctorFixture {
    /** For an answer of the server that is to be given as often as it is asked for. */
    static final int ALWAYS = Integer.MAX_VALUE;

    @TempDir
    Path directory;

    FakeApiServer server;
    TestCluster cluster;
    DoctorRun doctor;

    @BeforeEach
    void startServer() throws IOException {
        server = new FakeApiServer();
        cluster = new TestCluster(server);
        doctor = new DoctorRun(server, directory);
    }

    @AfterEach
    void stopServer() throws IOException {
        server.close();
    }
}
