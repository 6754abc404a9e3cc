// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.kubernetes.JsonFields.array;
import static dev.meshcni.kubernetes.JsonFields.object;

import com.fasterxml.jackson.core.JsonParser;
import dev.meshcni.kubernetes.BoundedTexts.Text;
import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.PodFields;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.SecurityContext;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Reads the containers of a pod: their names, and what the proxy's has beside it. */
final class ContainerJson {
    private final JsonParser json;
    private final BoundedTexts texts;

    ContainerJson(JsonParser json, BoundedTexts texts) {
        this.json = json;
        this.texts = texts;
    }

    List<Container> containers(String field) throws IOException {
        List<Container> containers = new ArrayList<>();
        int[] found = {0};
        array(json, () -> {
            if (++found[0] <= BoundedTexts.MAX_CONTAINERS) {
                containers.add(container(field));
            }
        });
        if (found[0] > BoundedTexts.MAX_CONTAINERS) {
            texts.cut(field, found[0], BoundedTexts.MAX_CONTAINERS);
        }
        return containers;
    }

    /** The name may stand behind what only counts for the proxy. */
    private Container container(String field) throws IOException {
        Container container = new Container();
        List<Text> args = new ArrayList<>();
        Map<String, Text> env = new HashMap<>();
        Text[] image = {Text.NONE};
        object(json, name -> {
            switch (name) {
                case "name" -> container.setName(texts.keep(field + ".name", json));
                case "image" -> image[0] = BoundedTexts.read(json);
                case "args" -> readArgs(args);
                case "env" -> readEnv(env);
                case "securityContext" -> container.setSecurityContext(securityContext());
                default -> {}
            }
        });
        if (AnnotationParser.PROXY_CONTAINER.equals(container.getName())) {
            String of = " of " + AnnotationParser.PROXY_CONTAINER;
            container.setImage(texts.keep("image" + of, image[0]));
            container.setArgs(
                    args.stream().map(text -> texts.keep("args" + of, text)).toList());
            container.setEnv(env.entrySet().stream()
                    .map(entry -> new EnvVar(
                            entry.getKey(), texts.keep("variable " + entry.getKey() + of, entry.getValue()), null))
                    .toList());
        }
        return container;
    }

    private void readArgs(List<Text> args) throws IOException {
        args.clear();
        array(json, () -> {
            if (args.size() < PodFields.PROXY_ARGS) {
                args.add(BoundedTexts.read(json));
            }
        });
    }

    private void readEnv(Map<String, Text> env) throws IOException {
        env.clear();
        array(json, () -> {
            Text[] variable = {Text.NONE, Text.NONE};
            boolean[] literal = {false};
            object(json, field -> {
                switch (field) {
                    case "name" -> variable[0] = BoundedTexts.read(json);
                    case "value" -> {
                        literal[0] = JsonFields.isText(json);
                        variable[1] = BoundedTexts.read(json);
                    }
                    default -> {}
                }
            });
            if (literal[0] && PodFields.VARIABLES.contains(variable[0].value())) {
                env.put(variable[0].value(), variable[1]);
            }
        });
    }

    private SecurityContext securityContext() throws IOException {
        SecurityContext context = new SecurityContext();
        readOwner(json, context::setRunAsUser, context::setRunAsGroup);
        return context;
    }

    /** Reads the user and group of a security context, which a pod and a container each have of their own type. */
    static void readOwner(JsonParser json, Consumer<Long> user, Consumer<Long> group) throws IOException {
        object(json, field -> {
            if (!JsonFields.isNumber(json)) {
                return;
            }
            switch (field) {
                case "runAsUser" -> user.accept(JsonFields.number(json));
                case "runAsGroup" -> group.accept(JsonFields.number(json));
                default -> {}
            }
        });
    }
}
