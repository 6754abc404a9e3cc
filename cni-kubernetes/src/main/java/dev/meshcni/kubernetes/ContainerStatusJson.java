// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.kubernetes.JsonFields.array;
import static dev.meshcni.kubernetes.JsonFields.object;

import com.fasterxml.jackson.core.JsonParser;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads how the containers of a pod fare. Nothing here decides about a redirection, so that what is too long is
 * shortened.
 */
final class ContainerStatusJson {
    /** More than a termination message says to an operator. */
    private static final int MAX_TEXT = 1024;

    private final JsonParser json;

    ContainerStatusJson(JsonParser json) {
        this.json = json;
    }

    List<ContainerStatus> statuses() throws IOException {
        List<ContainerStatus> statuses = new ArrayList<>();
        array(json, () -> {
            if (statuses.size() < BoundedTexts.MAX_CONTAINERS) {
                statuses.add(status());
            }
        });
        return statuses;
    }

    private ContainerStatus status() throws IOException {
        ContainerStatus status = new ContainerStatus();
        object(json, field -> {
            switch (field) {
                case "name" -> status.setName(text());
                case "containerID" -> status.setContainerID(text());
                case "state" -> status.setState(state());
                case "lastState" -> status.setLastState(state());
                default -> {}
            }
        });
        return status;
    }

    private ContainerState state() throws IOException {
        ContainerState state = new ContainerState();
        object(json, field -> {
            if (field.equals("terminated") && json.isExpectedStartObjectToken()) {
                state.setTerminated(termination());
            }
        });
        return state;
    }

    private ContainerStateTerminated termination() throws IOException {
        ContainerStateTerminated end = new ContainerStateTerminated();
        object(json, field -> {
            switch (field) {
                case "exitCode" -> end.setExitCode((int) JsonFields.number(json));
                case "reason" -> end.setReason(text());
                case "message" -> end.setMessage(text());
                default -> {}
            }
        });
        return end;
    }

    private String text() throws IOException {
        String text = BoundedTexts.read(json).value();
        return text.substring(0, Math.min(text.length(), MAX_TEXT));
    }
}
