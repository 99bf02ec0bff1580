package vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.*;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.protocol.types.*;

import java.nio.ByteBuffer;
import java.util.*;

/** Records of the topics in which coordinators keep their state: random content by the schemas of Kafka's generated classes. */
final class CoordinatorVectors {
    static final JsonNodeFactory F = JsonNodeFactory.instance;
    static final Map<String, String> TOPICS = new TreeMap<>(Map.of(
        "group", "__consumer_offsets", "share", "__share_group_state", "transaction", "__transaction_state"));

    static void all(long seed, List<ObjectNode> out) throws Exception {
        for (String coordinator : TOPICS.keySet()) {
            Class<?> types = Class.forName("org.apache.kafka.coordinator." + coordinator + ".generated.CoordinatorRecordType");
            for (Object type : types.getEnumConstants()) {
                short id = (short) types.getMethod("id").invoke(type);
                short lowest = (short) types.getMethod("lowestSupportedVersion").invoke(type), highest = (short) types.getMethod("highestSupportedVersion").invoke(type);
                for (short v = lowest; v <= highest; v++) {
                    Set<String> seen = new HashSet<>();
                    for (int i = 0; i < 8; i++) {
                        ApiMessage key = (ApiMessage) types.getMethod("newRecordKey").invoke(type), value = (ApiMessage) types.getMethod("newRecordValue").invoke(type);
                        Rand rnd = new Rand(seed, coordinator + "/" + id + "/" + v + "/" + i);
                        // The first is the class as constructed.
                        if (i > 0) { fill(key, (short) 0, rnd); fill(value, v, rnd); }
                        ObjectNode o = F.objectNode();
                        o.put("topic", TOPICS.get(coordinator)).put("name", value.getClass().getSimpleName().replaceAll("Value$", "")).put("type", id).put("version", v);
                        o.set("key", side(key, id, (short) 0));
                        o.set("value", side(value, v, v));
                        if (seen.add(o.get("value").get("hex").asText())) out.add(o);
                    }
                }
            }
        }
    }

    private static ObjectNode side(ApiMessage m, short prefix, short v) throws Exception {
        byte[] body = Messages.bytes(m, v);
        ObjectNode o = F.objectNode();
        o.set("json", decimal((JsonNode) Class.forName(m.getClass().getName() + "JsonConverter").getMethod("write", m.getClass(), short.class).invoke(null, m, v)));
        o.put("hex", Messages.HEX.formatHex(Main.concat(ByteBuffer.allocate(2).putShort(prefix).array(), body)));
        return o;
    }

    static void fill(Message m, short v, Rand rnd) throws Exception {
        Schema schema = (Schema) m.getClass().getField("SCHEMA_" + v).get(null);
        Struct s = struct(schema, rnd);
        ByteBuffer b = ByteBuffer.allocate(schema.sizeOf(s));
        schema.write(b, s);
        b.flip();
        m.read(new ByteBufferAccessor(b), v);
        tagged(m, schema, v, rnd);
    }

    /** Tagged fields that are structs: their schemas do not have the byte that says whether they are null. */
    private static void tagged(Message m, Schema schema, short v, Rand rnd) throws Exception {
        for (BoundField f : schema.fields()) {
            if (!(f.def.type instanceof TaggedFields t)) continue;
            for (Field field : t.fields().values()) {
                if (!(field.type instanceof Schema)) continue;
                StringBuilder setter = new StringBuilder("set");
                for (String word : field.name.split("_")) setter.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
                for (var method : m.getClass().getMethods()) {
                    if (!method.getName().contentEquals(setter)) continue;
                    Message content = (Message) method.getParameterTypes()[0].getConstructor().newInstance();
                    fill(content, v, rnd);
                    method.invoke(m, rnd.chance(0.4) ? null : content);
                }
            }
        }
    }

    private static Struct struct(Schema schema, Rand rnd) {
        Struct s = new Struct(schema);
        for (BoundField f : schema.fields()) s.set(f, value(f.def.type, rnd));
        return s;
    }

    private static Object value(Type type, Rand rnd) {
        if (type.isNullable() && rnd.chance(0.3)) return null;
        if (type instanceof TaggedFields t) {
            NavigableMap<Integer, Object> tags = new TreeMap<>();
            for (Map.Entry<Integer, Field> e : t.fields().entrySet()) if (!(e.getValue().type instanceof Schema) && rnd.chance(0.6)) tags.put(e.getKey(), value(e.getValue().type, rnd));
            return tags;
        }
        if (type instanceof Schema s) return struct(s, rnd);
        if (type.arrayElementType().isPresent()) {
            Object[] items = new Object[rnd.below(4)];
            for (int i = 0; i < items.length; i++) items[i] = value(type.arrayElementType().get(), rnd);
            return items;
        }
        switch (type.toString()) {
            case "BOOLEAN": return rnd.chance(0.5);
            case "FLOAT64": return rnd.integer(32, true, false) / 8.0;
            case "INT8": return (byte) rnd.integer(8, true, rnd.chance(0.1));
            case "INT16": return (short) rnd.integer(16, true, rnd.chance(0.1));
            case "UINT16": return (int) rnd.integer(16, false, rnd.chance(0.1));
            case "INT32": return (int) rnd.integer(32, true, rnd.chance(0.1));
            case "INT64": return rnd.integer(64, true, rnd.chance(0.1));
            case "UUID": return Messages.uuid(rnd);
            case "STRING": case "NULLABLE_STRING": case "COMPACT_STRING": case "COMPACT_NULLABLE_STRING": return rnd.string();
            case "BYTES": case "COMPACT_BYTES": return ByteBuffer.wrap(rnd.bytes());
            default: throw new IllegalStateException("a field of type " + type);
        }
    }

    /** int64 as decimal text, as everywhere in these vectors. */
    static JsonNode decimal(JsonNode n) {
        if (n instanceof LongNode) return F.textNode(n.asText());
        if (n instanceof ArrayNode a) { for (int i = 0; i < a.size(); i++) a.set(i, decimal(a.get(i))); }
        else if (n instanceof ObjectNode o) { for (Iterator<Map.Entry<String, JsonNode>> it = o.fields(); it.hasNext(); ) { Map.Entry<String, JsonNode> e = it.next(); e.setValue(decimal(e.getValue())); } }
        return n;
    }

    /** Java reads both sides and writes the same bytes. */
    static void verify(ObjectNode o) throws Exception {
        String coordinator = TOPICS.entrySet().stream().filter(e -> e.getValue().equals(o.get("topic").asText())).findFirst().orElseThrow().getKey();
        for (String side : List.of("key", "value")) {
            String hex = o.get(side).get("hex").asText();
            short v = side.equals("key") ? 0 : (short) o.get("version").asInt();
            String name = o.get("name").asText() + (side.equals("key") ? "Key" : "Value");
            ApiMessage m = (ApiMessage) Class.forName("org.apache.kafka.coordinator." + coordinator + ".generated." + name).getConstructor().newInstance();
            ByteBuffer b = ByteBuffer.wrap(Messages.HEX.parseHex(hex));
            Verify.require(b.getShort() == (side.equals("key") ? o.get("type").asInt() : v), "the type or version");
            m.read(new ByteBufferAccessor(b), v);
            Verify.require(!b.hasRemaining(), "bytes left");
            Verify.require(Messages.HEX.formatHex(Messages.bytes(m, v)).equals(hex.substring(4)), "other bytes");
        }
    }
}
