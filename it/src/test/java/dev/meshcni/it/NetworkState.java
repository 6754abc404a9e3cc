// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** Everything that could redirect a packet in a network namespace, as text that can be compared. */
final class NetworkState {
    private static final List<List<String>> QUESTIONS = List.of(
            List.of("iptables-save"),
            List.of("ip6tables-save"),
            List.of("nft", "list", "ruleset"),
            List.of("ip", "-4", "rule"),
            List.of("ip", "-6", "rule"),
            List.of("ip", "-4", "route", "show", "table", "all"),
            List.of("ip", "-6", "route", "show", "table", "all"),
            List.of("ip", "-oneline", "address"));

    private NetworkState() {}

    /** The answers for the machine itself. */
    static Map<String, String> ofTheMachine() {
        return ask(Command::of);
    }

    /** The answers for a namespace. */
    static Map<String, String> of(Netns netns) {
        return ask(netns::command);
    }

    private static Map<String, String> ask(Function<String[], Command> command) {
        Map<String, String> state = new TreeMap<>();
        for (List<String> question : QUESTIONS) {
            String answer = command.apply(question.toArray(String[]::new)).run();
            state.put(
                    String.join(" ", question),
                    answer.replaceAll("(?m)^#.*\n", "").replaceAll("\\[\\d+:\\d+]", ""));
        }
        return state;
    }
}
