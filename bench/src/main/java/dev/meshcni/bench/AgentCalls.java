// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The agent's part: calls over its socket, from a process that is already there. */
final class AgentCalls {
    static final String REDIRECTED_ADD = "agent: ADD, pod is redirected";

    private static final int WARM_UP = 20;

    private final Node node;

    AgentCalls(Node node) {
        this.node = node;
    }

    /** Measures ADD into a namespace without rules, and the DEL that follows it. */
    List<Result> measure(int rounds) throws IOException {
        List<Double> add = new ArrayList<>();
        List<Double> delete = new ArrayList<>();
        List<Double> skip = new ArrayList<>();
        for (int round = -WARM_UP; round < rounds; round++) {
            node.renewNamespace();
            double added = call("ADD", Node.REDIRECTED);
            double deleted = call("DEL", Node.REDIRECTED);
            double skipped = call("ADD", Node.PLAIN);
            if (round >= 0) {
                add.add(added);
                delete.add(deleted);
                skip.add(skipped);
            }
        }
        return List.of(
                result(REDIRECTED_ADD, add),
                result("agent: DEL, rules are taken out", delete),
                result("agent: ADD, pod outside the mesh", skip));
    }

    private double call(String verb, String pod) throws IOException {
        return node.agent().call(new AgentProtocol.Request(node.environment(verb, pod), node.config("istio-cni")));
    }

    private static Result result(String name, List<Double> millis) {
        return Result.ofCall(name, Series.of(millis));
    }
}
