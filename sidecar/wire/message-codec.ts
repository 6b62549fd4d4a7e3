/**
 * One message type as bytes, as JSON and as the descriptor set that names it. The SDK is generic in
 * its message types; the casts that this needs live here.
 */
import { create, fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescFile, JsonValue, Message, MessageInitShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { FileDescriptorSetSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";

/** A message, or a plain object with some of its fields. */
export type MessageInput<M extends Message> = M | MessageInitShape<GenMessage<M>>;

/** Turns one type of message into what is carried, and back. */
export interface MessageCodec<M extends Message> {
  /** Full name of the message, for example `thumbnails.ThumbnailRequest`. */
  readonly typeName: string;
  /** Completes a plain object to a message; a message stays itself. */
  create(input: MessageInput<M>): M;
  /** @throws {Error} naming the field whose value its type cannot hold. */
  toBinary(message: M): Uint8Array;
  /** @throws {Error} when the bytes are no such message. */
  fromBinary(bytes: Uint8Array): M;
  /**
   * Unknown fields are left out: the other side's contract may be newer.
   * @throws {Error} when the JSON is no such message.
   */
  fromJson(json: unknown): M;
}

/** The codec of a generated message schema. */
export function messageCodec<M extends Message>(schema: GenMessage<M>): MessageCodec<M> {
  // MessageShape<GenMessage<M>> is M for every generated M, which the compiler cannot see.
  const shapeOf = (shape: unknown): M => shape as M;
  return {
    typeName: schema.typeName,
    create: (input) => shapeOf(create(schema, input)),
    toBinary: (message) => toBinary(schema, message as never),
    fromBinary: (bytes) => shapeOf(fromBinary(schema, bytes)),
    fromJson: (json) => shapeOf(fromJson(schema, json as JsonValue, { ignoreUnknownFields: true })),
  };
}

/**
 * The encoded FileDescriptorSet of the files that define these messages and of all they import,
 * imports first. Equal input gives equal bytes.
 */
export function descriptorSetOf(schemas: readonly { readonly file: DescFile }[]): Uint8Array {
  const files = new Map<string, FileDescriptorProto>();
  const visit = (file: DescFile): void => {
    if (files.has(file.name)) {
      return;
    }
    file.dependencies.forEach(visit);
    files.set(file.name, file.proto);
  };
  schemas.forEach((schema) => visit(schema.file));
  return toBinary(
    FileDescriptorSetSchema,
    create(FileDescriptorSetSchema, { file: [...files.values()] }),
  );
}
