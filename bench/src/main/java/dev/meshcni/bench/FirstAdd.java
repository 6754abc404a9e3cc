// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.io.IOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The wait of the first pod after a start of the agent: an ADD as soon as the agent says that it is ready. */
final class FirstAdd {
    static final String NAME = "agent: first ADD after its start";

    private static final int LEAST_ROUNDS = 3;
    private static final int ROUNDS_PER_ROUND = 4;
    private static final int PODS = 10;
    private static final int READY_POLLS = 600;
    private static final int POLL_MILLIS = 50;

    private FirstAdd() {}

    /** Measures a new agent in each round, with pods from an API server. */
    static Result measure(Path dist, int rounds) throws IOException {
        List<Double> millis = new ArrayList<>();
        try (PodNamespace namespace = PodNamespace.make();
                ApiServer api = ApiServer.start(AgentLoad.pods(PODS))) {
            for (int round = 0; round < Math.max(LEAST_ROUNDS, rounds / ROUNDS_PER_ROUND); round++) {
                millis.add(firstAdd(dist, api, namespace));
            }
        }
        return Result.ofCall(NAME, Series.of(millis));
    }

    private static double firstAdd(Path dist, ApiServer api, PodNamespace namespace) throws IOException {
        int port = freePort();
        try (Scratch scratch = Scratch.make();
                Agent agent = Agent.start(
                        dist,
                        scratch.directory(),
                        AgentLoad.options(api, scratch.directory(), "--health-port=" + port))) {
            awaitReady(port);
            PodCall call = new PodCall("bench-first", AgentLoad.name(0), namespace);
            double millis = agent.call(call.request("ADD", agent));
            agent.call(call.request("DEL", agent));
            return millis;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void awaitReady(int port) throws IOException {
        URI readiness = URI.create("http://127.0.0.1:" + port + "/readyz");
        for (int poll = 0; poll < READY_POLLS; poll++) {
            if (isOk(readiness)) {
                return;
            }
            Agent.pause(POLL_MILLIS);
        }
        throw new BenchException("the agent does not become ready");
    }

    private static boolean isOk(URI uri) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
        try {
            return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } catch (ConnectException e) {
            return false;
        } finally {
            connection.disconnect();
        }
    }
}
