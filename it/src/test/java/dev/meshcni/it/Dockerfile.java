// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The stages of a Dockerfile, as far as ours goes: no heredocs, no parser directives.
 *
 * @param arguments the ARG instructions before the first stage
 */
record Dockerfile(List<Instruction> arguments, List<Stage> stages) {
    /** One instruction, such as {@code COPY}, with what follows it on its line and the lines that go on with it. */
    record Instruction(String name, String rest) {}

    /** A stage: what it starts from, and its instructions. */
    record Stage(String from, List<Instruction> instructions) {
        /** What follows each instruction of a name. */
        List<String> all(String name) {
            return instructions.stream()
                    .filter(instruction -> instruction.name().equals(name))
                    .map(Instruction::rest)
                    .toList();
        }
    }

    static Dockerfile read(Path file) throws IOException {
        List<Instruction> arguments = new ArrayList<>();
        List<Stage> stages = new ArrayList<>();
        String joined = Files.readString(file).replaceAll("(?m)^#.*\n", "").replaceAll("\\\\\n\\s*", "");
        for (String line : joined.lines().filter(text -> !text.isBlank()).toList()) {
            String[] parts = line.split("\\s+", 2);
            Instruction instruction = new Instruction(parts[0], parts[1]);
            if (instruction.name().equals("FROM")) {
                stages.add(new Stage(instruction.rest(), new ArrayList<>()));
            } else if (stages.isEmpty()) {
                arguments.add(instruction);
            } else {
                stages.getLast().instructions().add(instruction);
            }
        }
        return new Dockerfile(arguments, stages);
    }
}
